package main

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
)

// Go compiles a function that uses package simd once for each width of vectors (NAME_simd128) and once in plain code (NAME_simd0), which
// runs where the machine has no vectors or GODEBUG=simd=0 asks for it (cmd/compile/internal/midway, simd.init). A WebAssembly engine
// without SIMD refuses the whole module, and a page has no GODEBUG.
const emulated = "_simd0"

// emulation matches the functions of the vectors that those copies use, simd/internal/bridge/simd_emulated.go: methods of Float32s and
// the like, and what makes such vectors. The copies with vectors use Float32x4 and the like.
var emulation = regexp.MustCompile(`^simd_internal_bridge\.(__|Load|Broadcast)?(Int|Uint|Float|Mask)\d+s(_?\.\w+)?$`)

var widths = []string{"_simd128", "_simd256", "_simd512"}

// stub is a function that traps: no locals; unreachable; end. It fits every type.
var stub = []byte{0, 0x00, 0x0b}

// emulatedCopies returns the functions, by index, that are the emulated copy of one that has a copy with vectors too, and the emulation.
func emulatedCopies(sections []piece) (map[uint64]bool, error) {
	names, err := functionNames(sections)
	if err != nil {
		return nil, err
	}
	have := map[string]int{}
	for _, name := range names {
		have[name]++
	}
	copies, found := map[uint64]bool{}, false
	for index, name := range names {
		if emulation.MatchString(name) {
			copies[index] = true
			continue
		}
		base, is := strings.CutSuffix(name, emulated)
		if !is {
			continue
		}
		found = true
		wide := 0
		for _, width := range widths {
			wide += have[base+width]
		}
		if wide == 0 || have[name] > 1 {
			return nil, fmt.Errorf("function %s: want one, beside one of %s, have %d and %d: %w", name, widths, have[name], wide, ErrModule)
		}
		copies[index] = true
	}
	if !found {
		return nil, fmt.Errorf("no function NAME%s: %w", emulated, ErrModule)
	}
	return copies, nil
}

// functionNames reads the name section: of each function, by index, the name that Go gave it.
func functionNames(sections []piece) (map[uint64]string, error) {
	const functions = 1 // subsection
	for _, s := range sections {
		r := &reader{rest: s.body}
		if s.id != sectionCustom || string(r.bytes()) != "name" {
			continue
		}
		names := map[uint64]string{}
		for len(r.rest) > 0 && !r.bad {
			id, body := r.byte(), &reader{rest: r.bytes()}
			if id != functions {
				continue
			}
			for range body.count() {
				index := body.number()
				if names[index] != "" {
					return nil, fmt.Errorf("name section: function %d is named twice: %w", index, ErrModule)
				}
				names[index] = string(body.bytes())
			}
			r.bad = r.bad || body.bad || len(body.rest) > 0
		}
		if r.bad {
			return nil, fmt.Errorf("the name section is cut off or damaged: %w", ErrModule)
		}
		return names, nil
	}
	return nil, fmt.Errorf("no name section; link without -s: %w", ErrModule)
}

// importedFunctions is how many functions come before the module's own.
func importedFunctions(sections []piece) (uint64, error) {
	n := uint64(0)
	for _, s := range sections {
		if s.id != sectionImport {
			continue
		}
		r := &reader{rest: s.body}
		for range r.count() {
			r.bytes()
			r.bytes()
			if kind := r.byte(); kind != 0 { // Go imports functions only
				return 0, fmt.Errorf("an import of kind %d: %w", kind, ErrModule)
			}
			r.number()
			n++
		}
		if r.bad || len(r.rest) > 0 {
			return 0, fmt.Errorf("the import section is cut off or damaged: %w", ErrModule)
		}
	}
	return n, nil
}

// stubCode returns a code section whose functions at these indices trap. imported is the index of its first.
func stubCode(code []byte, imported uint64, copies map[uint64]bool) ([]byte, error) {
	r := &reader{rest: code}
	count := r.count()
	out := binary.AppendUvarint(nil, uint64(count))
	left := len(copies)
	for i := range count {
		body := r.bytes()
		if copies[imported+uint64(i)] {
			body = stub
			left--
		}
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	if r.bad || len(r.rest) > 0 || left != 0 {
		return nil, fmt.Errorf("the code section is cut off or damaged, or names are of functions that it has not: %w", ErrModule)
	}
	return out, nil
}
