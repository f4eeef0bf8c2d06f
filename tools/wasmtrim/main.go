// Command wasmtrim makes a WebAssembly module that Go has linked smaller to download.
//
//	wasmtrim [-simd] [-keep PREFIXES] MODULE OUT
//
// It rewrites the data section:
//
//   - Go writes a segment wherever 8 zeros lie between two pieces of data, tens of thousands of them, each with an address that
//     compresses badly. Pieces less than 64 zeros apart become one segment.
//   - The table of functions (pclntab) loses what only a stack trace reads: file names, lines, arguments, and the names of functions,
//     except those that begin with one of the prefixes (default: main. and haguruma/). Of runtime.xyz the package remains, because the
//     runtime tells its own goroutines by it. It also loses where a goroutine may be interrupted, which on wasm nobody does. What the
//     runtime needs to run (frame sizes, stack maps) is kept byte for byte.
//
// The memory that a module starts with is the same but for those. With -simd, the emulated copies of functions that use package simd
// become traps; that needs the name section, so a module linked without -s. What cannot be read is refused, and nothing is written.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit status: 0, 1 for a file that cannot be read, trimmed or written, 2 for bad usage.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("wasmtrim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	keep := flags.String("keep", "main.,haguruma/", "keep names of functions that begin with one of these `PREFIXES`")
	simd := flags.Bool("simd", false, "the module never runs without SIMD: what it would run then (NAME_simd0) becomes traps")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: wasmtrim [-simd] [-keep PREFIXES] MODULE OUT\nmakes a module that Go has linked smaller to download")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() != 2 {
		flags.Usage()
		return 2
	}
	if err := trimFile(flags.Arg(0), flags.Arg(1), options{keep: strings.Split(*keep, ","), simd: *simd}); err != nil {
		fmt.Fprintf(stderr, "wasmtrim: %v\n", err)
		return 1
	}
	return 0
}

func trimFile(name, out string, o options) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	trimmed, err := Trim(data, o)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fresh := out + ".new" // beside it, then renamed: never half a file
	if err := os.WriteFile(fresh, trimmed, 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, out)
}
