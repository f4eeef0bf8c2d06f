package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func counted(items ...[]byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(items))), bytes.Join(items, nil)...)
}

func sized(b string) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }

// named is a module with two imports and functions of these names, whose bodies are their names too.
func named(names ...string) []byte {
	imported := append(append(sized("gojs"), sized("f")...), 0, 0)
	var bodies, entries [][]byte
	for i, name := range names {
		bodies = append(bodies, sized("body of "+name))
		entries = append(entries, append(binary.AppendUvarint(nil, uint64(2+i)), sized(name)...))
	}
	table := append([]byte("\x04name\x00\x05\x04prog"), section(1, counted(entries...))...)
	return bytes.Join([][]byte{
		[]byte(header), section(sectionImport, counted(imported, imported)), section(sectionCode, counted(bodies...)),
		section(sectionData, goSegments(program())), section(sectionCustom, []byte("\x09producers")), section(sectionCustom, table),
	}, nil)
}

// TestSimd: emulated copies trap, and every other function is as it was.
func TestSimd(t *testing.T) {
	names := []string{"main.f", "main.f_simd128", "main.f_simd0", "main.f_simd0.func1", "main.g_simd0", "main.g_simd128", "main.simd0", "main.h_simd128",
		"simd_internal_bridge.Float32s.Add", "simd_internal_bridge.__Mask32s_.set", "simd_internal_bridge.LoadInt8s", "simd_internal_bridge.Float32x4.Add",
		"simd_internal_bridge.LoadFloat32x4", "simd_internal_bridge.__Float32x4_.set", "simd_internal_bridge.init", "simd_internal_bridge.newT", "main.Float32s.Add"}
	emulation := []string{names[2], names[4], names[8], names[9], names[10]}
	trimmed, err := Trim(named(names...), options{simd: true})
	if err != nil {
		t.Fatal(err)
	}
	sections, err := split(trimmed)
	if err != nil || len(sections) != 3 || sections[1].id != sectionCode {
		t.Fatalf("want imports, code and data, have %d sections, %v", len(sections), err)
	}
	r := &reader{rest: sections[1].body}
	if n := r.count(); n != len(names) {
		t.Fatalf("want %d functions, have %d", len(names), n)
	}
	for _, name := range names {
		want := "body of " + name
		if slices.Contains(emulation, name) {
			want = "\x00\x00\x0b"
		}
		if have := string(r.bytes()); have != want {
			t.Errorf("%s: want %q, have %q", name, want, have)
		}
	}
	if plain, err := Trim(named(names...), options{}); err != nil || !bytes.Contains(plain, []byte("body of main.f_simd0")) {
		t.Errorf("without -simd: want all code, have %v", err)
	}
}

// TestSimdRefused: what the suffix alone does not explain.
func TestSimdRefused(t *testing.T) {
	good := named("main.f_simd128", "main.f_simd0")
	unnamed := bytes.Replace(good, []byte("\x04name"), []byte("\x04game"), 1)
	table := bytes.Replace(good, []byte("f\x00\x00"), []byte("f\x01\x00"), 1) // an import of a table
	beyond := bytes.Replace(good, []byte("\x03\x0cmain.f_simd0"), []byte("\x04\x0cmain.f_simd0"), 1)
	twice := bytes.Replace(good, []byte("\x03\x0cmain.f_simd0"), []byte("\x02\x0cmain.f_simd0"), 1)
	for name, c := range map[string]struct {
		module []byte
		says   string
	}{
		"no copy with vectors":      {named("main.f_simd0", "main.g_simd128"), "main.f_simd0"},
		"two of one name":           {named("main.f_simd128", "main.f_simd0", "main.f_simd0"), "have 2"},
		"no emulated copy":          {named("main.f", "main.f_simd128"), "no function NAME_simd0"},
		"no names":                  {unnamed, "without -s"},
		"an import of another kind": {table, "kind 1"},
		"a function there is not":   {beyond, "code section"},
		"one function named twice":  {twice, "named twice"},
	} {
		if _, err := Trim(c.module, options{simd: true}); !errors.Is(err, ErrModule) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: want %q, have %v", name, c.says, err)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		bad := bytes.Clone(good)
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] = []byte{0, 1, 0x7f, 0x80, 0xff, byte(rng.IntN(256))}[rng.IntN(6)]
		}
		if _, err := Trim(bad[:len(bad)-rng.IntN(2)*rng.IntN(200)], options{simd: true}); err != nil && !errors.Is(err, ErrModule) {
			t.Fatal(err)
		}
	}
}
