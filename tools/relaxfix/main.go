// Command relaxfix repairs the relaxed-SIMD instructions of a WebAssembly module that Go 1.27 has linked.
//
//	relaxfix [-o OUT] MODULE
//
// The assembler of Go 1.27.4 writes the opcode 0x100+k of a relaxed-SIMD instruction as the bytes fd 80|k 01 02, which reads as the
// instruction 0x80+k and the start of a block; no engine takes such a module. relaxfix walks the code section instruction by instruction
// and writes fd 80|k 82 00 there: the same opcode in LEB128 with padding, of the same length. A module that is well-formed as it stands,
// from a toolchain that encodes correctly or without relaxed SIMD, is left as it is. What cannot be read is refused, and nothing is
// written.
//
// Without -o the module itself is replaced, by a file written beside it and renamed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit status: 0, 1 for a file that cannot be read, repaired or written, 2 for bad usage.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("relaxfix", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "write to `OUT`; default: replace the module")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: relaxfix [-o OUT] MODULE\nrepairs relaxed-SIMD opcodes as Go 1.27 links them")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	if err := repairFile(flags.Arg(0), *out); err != nil {
		fmt.Fprintf(stderr, "relaxfix: %v\n", err)
		return 1
	}
	return 0
}

// repairFile repairs the module of a file into another one, or in place when out is "" or the file itself.
func repairFile(name, out string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	sites, err := Repair(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if out == "" {
		out = name
	}
	if sites == 0 && out == name {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return writeFile(out, data, info.Mode().Perm())
}

// writeFile replaces a file in one step.
func writeFile(name string, data []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}
