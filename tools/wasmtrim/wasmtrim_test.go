package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Tables by program counter, as offsets into the part: two that the runtime needs and share a file's and a line's neighbourhood.
var pctab = []byte{0,
	2, 5, 1, 7, 0, // 1: frame
	8, 9, 0, // 6: file
	0, 3, 4, 200, 1, 0, // 9: line; a first difference of 0 is no end
	6, 1, 0, // 15: stack map
	1, 2, 3, 4, 0, // 18: unsafe points
	5, 6, 0, // 23: arguments alive
}

// program returns a memory with a table of two functions, between other data.
func program() []byte {
	names := "\x00runtime.main\x00main.verb\x00fmt.Println\x00runtime.gc\x00"
	files := "/home/user/secret.go\x00"
	header := make([]byte, headerSize)
	copy(header, tableHeader)
	put := func(b []byte, at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
	put(header, headerFunctions, 4)
	table := append(header, names...)
	put(table, headerNames, headerSize)
	put(table, headerNames+8, uint64(len(table)))
	table = append(table, 1, 0, 0, 0) // one file of one unit
	put(table, headerNames+16, uint64(len(table)))
	table = append(table, files...)
	put(table, headerNames+24, uint64(len(table)))
	table = append(table, pctab...)
	table = append(table, make([]byte, -len(table)&7)...)
	put(table, headerNames+32, uint64(len(table)))

	fn := func(i, name int, tables, data []uint32) []byte {
		b := make([]byte, funcSize)
		for at, v := range []int{64 * i, name, 8, 0, 1, 6, 9, len(tables), 3, 77} {
			binary.LittleEndian.PutUint32(b[4*at:], uint32(v))
		}
		b[funcDataCount] = byte(len(data))
		for _, v := range slices.Concat(tables, data) {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		return b
	}
	all := [][]byte{
		fn(0, 1, []uint32{18, 15}, nil),
		fn(1, 14, nil, []uint32{0, noData, 1, noData, noData, 20, 16, 17}),
		fn(2, 24, []uint32{18, 15, 0, 23}, []uint32{0, 18, 1, noData, noData, 28}),
		fn(3, 36, []uint32{18}, []uint32{2, noData, noData, noData, noData, 1}),
	}
	offset := 8*len(all) + 8
	for i, f := range all {
		table = binary.LittleEndian.AppendUint32(table, uint32(64*i))
		table = binary.LittleEndian.AppendUint32(table, uint32(offset))
		offset += len(f)
	}
	table = append(append(table, make([]byte, 8)...), bytes.Join(all, nil)...)

	memory := append(make([]byte, 4096), "data in front"...)
	memory = append(memory, make([]byte, 40)...)
	at := len(memory)
	memory = append(memory, table...)
	module := make([]byte, 8*moduleWords)
	word := func(i, v int) { put(module, 8*i, uint64(v)) }
	word(moduleFuncData, len(memory))
	memory = append(memory, funcData...)
	word(moduleBuckets, len(memory))
	word(moduleMinPC, 1<<16)
	word(moduleMaxPC, 1<<16+bucketCounters*3-9)
	for _, v := range []uint32{1, 2, 3} {
		memory = append(binary.LittleEndian.AppendUint32(memory, v), make([]byte, bucketSize-4)...)
	}
	memory = append(memory, make([]byte, -len(memory)&7)...)
	word(0, at)
	for i, offset := range []int{headerNames, headerNames + 8, headerNames + 16, headerNames + 24, headerNames + 32, headerNames + 32} {
		word(1+3*i, at+int(binary.LittleEndian.Uint64(table[offset:])))
	}
	word(moduleCount, len(all)+1)
	return append(append(memory, module...), "data behind"...)
}

// funcData is what functions refer to: three arguments, of which the first is other data too.
const funcData = "\x01\xff\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14" + // 0
	"\x00\x08\xfe\xfd\xfb\x09\xff\xff" + "\xff" + "\x15" // 20, 28, 29

func section(id byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{id}, uint64(len(body))), body...)
}

// goSegments cuts a memory as Go does: wherever 8 zeros lie.
func goSegments(memory []byte) []byte {
	var body []byte
	count := 0
	for at := 0; at < len(memory); at++ {
		if memory[at] == 0 {
			continue
		}
		end := len(memory)
		if n := bytes.Index(memory[at:], make([]byte, 8)); n >= 0 {
			end = at + n
		}
		body = appendSigned(append(body, 0, 0x41), int64(at))
		body = binary.AppendUvarint(append(body, 0x0b), uint64(end-at))
		body = append(body, memory[at:end]...)
		count, at = count+1, end
	}
	return append(binary.AppendUvarint(nil, uint64(count)), body...)
}

func module() []byte {
	return bytes.Join([][]byte{
		[]byte(header), section(1, []byte{1, 0x60, 0, 0}), section(10, []byte("code stays")),
		section(sectionData, goSegments(program())), section(sectionCustom, []byte("\x04name of all")),
	}, nil)
}

// dataOf returns the memory of a module.
func dataOf(t *testing.T, module []byte) []byte {
	t.Helper()
	for at := len(header); at < len(module); {
		size, n := binary.Uvarint(module[at+1:])
		body := module[at+1+n:][:size]
		if module[at] == sectionData {
			image, err := layOut(body)
			if err != nil {
				t.Fatal(err)
			}
			return image
		}
		at += 1 + n + int(size)
	}
	t.Fatal("no data section")
	return nil
}

// TestTrim: what the runtime needs stays, byte for byte and at its place; what only traces read is zeros.
func TestTrim(t *testing.T) {
	trimmed, err := Trim(module(), options{keep: []string{"main."}})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(trimmed, module()[:8+6+12]) {
		t.Error("sections before the data have changed")
	}
	if bytes.Contains(trimmed, []byte("name of all")) {
		t.Error("the custom section is still there")
	}
	want, have := program(), dataOf(t, trimmed)
	for _, gone := range []string{"main\x00main.verb", "fmt.Println", "runtime.gc", "/home/user/secret.go"} {
		at := bytes.Index(want, []byte(gone))
		to := at + len(gone)
		if strings.HasPrefix(gone, "main\x00") { // of runtime.main
			to = at + 4
		}
		clear(want[at:to])
	}
	f, err := findFunctions(want)
	if err != nil {
		t.Fatal(err)
	}
	clear(f.table[f.units:f.tables])
	clear(f.table[f.tables+6 : f.tables+15])  // file and line
	clear(f.table[f.tables+18 : f.tables+26]) // unsafe points, arguments alive
	at := bytes.Index(want, []byte(funcData))
	clear(want[at+20 : at+29])
	for i := range 3 {
		binary.LittleEndian.PutUint32(want[at+len(funcData)+bucketSize*i:], 0)
	}
	for i, changes := range []map[int]uint32{
		{funcSize: 0},
		{funcSize + 4*5: noData, funcSize + 4*6: noData},
		{funcName: 0, funcSize: 0, funcSize + 4*3: 0, funcSize + 4*(4+5): noData},
		{funcName: 1, funcSize: 0, funcSize + 4*(1+5): noData}, // the one "runtime."
	} {
		at, err := f.function(i)
		if err != nil {
			t.Fatal(err)
		}
		for field, v := range changes {
			binary.LittleEndian.PutUint32(f.table[at+field:], v)
		}
	}
	for i := range f.count {
		at, err := f.function(i)
		if err != nil {
			t.Fatal(err)
		}
		clear(f.table[at+funcFile : at+funcLine+4])
		clear(f.table[at+funcUnit : at+funcStartLine+4])
	}
	if !bytes.Equal(have, want) {
		for i := range want {
			if i >= len(have) || have[i] != want[i] {
				t.Fatalf("memory of %d bytes, want %d; the first difference is at %#x", len(have), len(want), i)
			}
		}
	}
	again, err := Trim(trimmed, options{keep: []string{"main."}})
	if err != nil || !bytes.Equal(again, trimmed) {
		t.Errorf("trimmed twice: %d bytes, want %d: %v", len(again), len(trimmed), err)
	}
}

// TestSegments: any memory comes back, in few segments.
func TestSegments(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		memory := make([]byte, rng.IntN(5000))
		for range rng.IntN(20) {
			memory[rng.IntN(len(memory)+1)%max(len(memory), 1)] = byte(1 + rng.IntN(255))
		}
		whole := bytes.TrimRight(memory, "\x00")
		section := segments(memory)
		image, err := layOut(section)
		if err != nil || !bytes.Equal(image, whole) {
			t.Fatalf("%d bytes came back as %d: %v", len(whole), len(image), err)
		}
		if many := goSegments(memory); len(section) > len(many)+gap*20 {
			t.Fatalf("%d bytes, %d as Go cuts them", len(section), len(many))
		}
	}
}

// TestBadModule: what is cut off or damaged is an error or a module, never a panic.
func TestBadModule(t *testing.T) {
	good := module()
	custom := len(good) - 2 - len("\x04name of all")
	for n := range good {
		_, err := Trim(good[:n], options{})
		if n != custom && !errors.Is(err, ErrModule) {
			t.Fatalf("cut off at %d of %d: %v", n, len(good), err)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		bad := bytes.Clone(good)
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] = []byte{0, 1, 0x7f, 0x80, 0xff, byte(rng.IntN(256))}[rng.IntN(6)]
		}
		if _, err := Trim(bad, options{}); err != nil && !errors.Is(err, ErrModule) {
			t.Fatal(err)
		}
	}
	huge := appendSigned([]byte{1, 0, 0x41}, imageMost)
	if _, err := layOut(append(huge, 0x0b, 1, 9)); !errors.Is(err, ErrModule) {
		t.Errorf("a segment beyond %d bytes: %v", imageMost, err)
	}
	twice := append(bytes.Clone(good), section(sectionData, []byte{0})...)
	if _, err := Trim(twice, options{}); !errors.Is(err, ErrModule) {
		t.Errorf("two data sections: %v", err)
	}
}

// TestRun: exit codes, and that nothing is written on an error.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	good, bad, out := filepath.Join(folder, "good"), filepath.Join(folder, "bad"), filepath.Join(folder, "out")
	for name, data := range map[string][]byte{good: module(), bad: module()[:60]} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stderr strings.Builder
	for _, c := range []struct {
		args []string
		want int
	}{{[]string{bad, out}, 1}, {[]string{good}, 2}, {[]string{"-x"}, 2}, {[]string{good + "x", out}, 1}} {
		if have := run(c.args, &stderr); have != c.want {
			t.Errorf("%v: exit %d, want %d", c.args, have, c.want)
		}
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
	if have := run([]string{good, out}, &stderr); have != 0 {
		t.Fatalf("exit %d: %s", have, &stderr)
	}
	if data, err := os.ReadFile(out); err != nil || len(dataOf(t, data)) == 0 {
		t.Errorf("the module written: %v", err)
	}
}
