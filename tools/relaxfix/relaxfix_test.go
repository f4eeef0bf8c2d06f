package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// uleb is the unsigned LEB128 of v.
func uleb(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

// vec is a vector of bytes: its length, then what it holds.
func vec(parts ...[]byte) []byte {
	all := bytes.Join(parts, nil)
	return append(uleb(len(all)), all...)
}

func section(id byte, parts ...[]byte) []byte { return append([]byte{id}, vec(parts...)...) }

// assemble returns a module that imports one function and has one function (param i64) for each body. A body gets 4 locals of type v128,
// numbers 1 to 4, and the end of its expression.
func assemble(bodies ...[]byte) []byte {
	var code, types []byte
	for _, body := range bodies {
		code = append(code, vec([]byte{1, 4, 0x7b}, body, []byte{0x0b})...)
		types = append(types, 0)
	}
	n := uleb(len(bodies))
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(0, vec([]byte("go:buildid")), []byte("\xfd\x85\x01\x02")), // custom: not ours to read
		section(1, []byte{1, 0x60, 1, 0x7e, 0}),
		section(2, []byte{1}, vec([]byte("gojs")), vec([]byte("now")), []byte{0, 0}),
		section(3, n, types),
		section(5, []byte{1, 0, 1}),
		section(10, n, code),
		section(11, []byte{1, 0, 0x41, 0, 0x0b}, vec([]byte("\xfd\x85\x01\x02\xfd\x93\x01\x02"))), // data
	}, nil)
}

// Pieces of functions. Each leaves the stack as it was.
var (
	operands = []byte{0x20, 1, 0x20, 2, 0x20, 3} // local.get 1, 2, 3

	// f32x4.relaxed_madd and i32x4.relaxed_dot_i8x16_i7x16_add_s, right, as Go 1.27 has them, and repaired.
	maddRight, dotRight       = relaxed(0xfd, 0x85, 0x02), relaxed(0xfd, 0x93, 0x02)
	maddGo127, dotGo127       = relaxed(0xfd, 0x85, 0x01, 0x02), relaxed(0xfd, 0x93, 0x01, 0x02)
	maddRepaired, dotRepaired = relaxed(0xfd, 0x85, 0x82, 0x00), relaxed(0xfd, 0x93, 0x82, 0x00)

	// Instructions whose immediates hold the bytes of a mis-encoded one, and what could follow them.
	constants = bytes.Join([][]byte{
		{0x41, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b, 0x1a},             // i32.const; block end; drop
		{0x42, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b, 0x1a},             // i64.const; block end; drop
		{0x43, 0xfd, 0x85, 0x01, 0x02, 0x1a},                         // f32.const; drop
		{0x44, 0xfd, 0x85, 0x01, 0x02, 0xfd, 0x93, 0x01, 0x02, 0x1a}, // f64.const; drop
		{0xfd, 0x0c}, bytes.Repeat([]byte{0xfd, 0x85, 0x01, 0x02}, 4), {0x1a}, // v128.const; drop
		{0x20, 1, 0x20, 2, 0xfd, 0x0d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x1a}, // i8x16.shuffle; drop
		{0x41, 0x00, 0x28, 0x02, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b, 0x1a},                          // i32.load offset=0x42fd; block end; drop
		{0x41, 0x00, 0xfd, 0x00, 0x00, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b, 0x1a},                    // v128.load offset=0x42fd; block end; drop
		{0x41, 0x00, 0x20, 1, 0xfd, 0x54, 0x00, 0xfd, 0x85, 0x01, 0x02, 0x1a},                       // v128.load8_lane offset=0x42fd 2; drop
		{0x20, 1, 0xfd, 0x15, 0x01, 0x1a},                                                           // i8x16.extract_lane_s 1; drop
		{0x10, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b},                                                  // call 0x42fd; block end
	}, nil)

	// structure has blocks of every kind, branches and a branch table.
	structure = bytes.Join([][]byte{
		{0x02, 0x40, 0x03, 0x7f, 0x41, 0x7f, 0x04, 0x00, 0x0c, 0x01, 0x05, 0x01, 0x0b, 0x41, 0x00, 0x0d, 0x00, 0x41, 0x00, 0x0b, 0x1a, 0x0b},
		{0x02, 0x40, 0x41, 0x00, 0x0e, 0x02, 0x00, 0x01, 0x00, 0x0b},
		{0x3f, 0x00, 0x40, 0x00, 0x1a, 0xfc, 0x0a, 0x00, 0x00, 0xfc, 0x0b, 0x00, 0xfc, 0x07, 0xc4, 0x0f},
	}, nil)

	// followed is i16x8.narrow_i32x4_s and a block, which has the bytes fd 85 01 02 by right.
	followed = []byte{0x20, 1, 0x20, 2, 0xfd, 0x85, 0x01, 0x02, 0x40, 0x0b, 0x1a}

	// nop is the same instruction as Go 1.27 has it.
	nop = []byte{0x20, 1, 0x20, 2, 0xfd, 0x85, 0x01, 0x01, 0x1a}
)

// relaxed is a ternary instruction with its operands and a set of its result.
func relaxed(opcode ...byte) []byte {
	return bytes.Join([][]byte{operands, opcode, {0x21, 4}}, nil)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestRepair: mis-encoded opcodes and nothing else change; what is right stays as it is, in the same bytes or others.
func TestRepair(t *testing.T) {
	for _, c := range []struct {
		name         string
		bodies, want [][]byte // want nil: as it was
		sites        int
	}{
		{name: "no function"},
		{name: "empty function", bodies: [][]byte{nil}},
		{name: "no relaxed instruction", bodies: [][]byte{constants, structure, followed}},
		{name: "right", bodies: [][]byte{join(maddRight, constants, dotRight, followed, structure), maddRight}},
		{name: "right, padded", bodies: [][]byte{join(maddRepaired, constants, followed)}},
		{name: "one", bodies: [][]byte{maddGo127}, want: [][]byte{maddRepaired}, sites: 1},
		{
			name:   "several",
			bodies: [][]byte{nop, join(constants, maddGo127, nop, structure, dotGo127, constants), structure, join(dotGo127, dotGo127)},
			want:   [][]byte{nop, join(constants, maddRepaired, nop, structure, dotRepaired, constants), structure, join(dotRepaired, dotRepaired)},
			sites:  4,
		},
		{
			name:   "first and last opcode, in a loop",
			bodies: [][]byte{join([]byte{0x03, 0x40}, relaxed(0xfd, 0x80, 0x01, 0x02), relaxed(0xfd, 0x93, 0x01, 0x02), []byte{0x0b})},
			want:   [][]byte{join([]byte{0x03, 0x40}, relaxed(0xfd, 0x80, 0x82, 0x00), relaxed(0xfd, 0x93, 0x82, 0x00), []byte{0x0b})},
			sites:  2,
		},
	} {
		if c.want == nil {
			c.want = c.bodies
		}
		module, want := assemble(c.bodies...), assemble(c.want...)
		for _, sites := range []int{c.sites, 0} { // the second time there is nothing to do
			have, err := Repair(module)
			if err != nil || have != sites {
				t.Errorf("%s: want %d repaired, have %d, %v", c.name, sites, have, err)
			}
			if !bytes.Equal(module, want) {
				t.Errorf("%s: have\n% x, want\n% x", c.name, module, want)
			}
		}
	}
}

// TestRefuse: what the walk does not know is named with its place, and nothing is written.
func TestRefuse(t *testing.T) {
	good := join(maddGo127, constants)
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"try", []byte{0x06, 0x40}, "instruction 06 is unknown"},
		{"tail call", []byte{0x12, 0x00}, "instruction 12 is unknown"},
		{"table.size", []byte{0xfc, 16}, "instruction fc 10 is unknown"},
		{"atomic", []byte{0xfe, 0x03, 0x00}, "instruction fe is unknown"},
		{"reserved vector", []byte{0xfd, 0x9a, 0x01, 0x01}, "instruction fd 9a 01 is unknown"},
		{"unknown relaxed", []byte{0xfd, 0x94, 0x02}, "instruction fd 94 02 is unknown"},
		{"unknown relaxed of Go 1.27", []byte{0xfd, 0x94, 0x01, 0x02}, "does not write"},
		{"neither encoding", []byte{0xfd, 0x8e, 0x01, 0x1a}, "vector instruction 0x8e, then 0x1a"},
		{"padding", []byte{0xfd, 0x8e, 0x81, 0x00, 0x01}, "padding"},
		{"second memory", []byte{0x28, 0x42, 0x00}, "alignment"},
		{"second memory, grow", []byte{0x40, 0x01}, "memory 1"},
		{"local", []byte{0x20, 0x05}, "local 5 of 5"},
		{"label", []byte{0x0c, 0x01}, "branch out of 1 blocks"},
		{"block of no type", []byte{0x02, 0x01, 0x0b}, "block of type 1 of 1"},
		{"block of a foreign type", []byte{0x02, 0x6e, 0x0b}, "block of type -18"},
		{"else", []byte{0x02, 0x40, 0x05, 0x0b}, "else without if"},
		{"too many ends", []byte{0x0b}, "behind the end"},
		{"open block", []byte{0x02, 0x40}, "cut off"},
		{"i32.const", []byte{0x41, 0xff, 0xff, 0xff, 0xff, 0x1f}, "more than 32 bits"},
		{"i32.const of 6 bytes", []byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "more than 32 bits"},
		{"i64.const", []byte{0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, "more than 64 bits"},
	} {
		module := assemble(good, join(nop, c.body), good)
		before := bytes.Clone(module)
		sites, err := Repair(module)
		if sites != 0 || !errors.Is(err, ErrModule) || !strings.Contains(err.Error(), c.want) || !bytes.Equal(module, before) {
			t.Errorf("%s: want %q, have %d, %v; unchanged: %v", c.name, c.want, sites, err, bytes.Equal(module, before))
		}
		if err != nil && !strings.Contains(err.Error(), "function 2, offset 0x") { // function 0 is the import
			t.Errorf("%s: the place is missing: %v", c.name, err)
		}
	}
	module := assemble(good, join(nop, []byte{0x06, 0x40}))
	_, err := Repair(module)
	var place *placeError
	if !errors.As(err, &place) || place.offset != bytes.LastIndex(module, []byte{0x06, 0x40}) {
		t.Errorf("want offset %#x, have %v", bytes.LastIndex(module, []byte{0x06, 0x40}), err)
	}
}

// TestNumbers: the ends of the ranges of constants are read, in as many bytes as they may have.
func TestNumbers(t *testing.T) {
	for _, body := range [][]byte{
		{0x41, 0xff, 0xff, 0xff, 0xff, 0x07}, {0x41, 0x80, 0x80, 0x80, 0x80, 0x78}, {0x41, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}, {0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f},
		{0x41, 0x00, 0x28, 0x02, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if sites, err := Repair(assemble(join(body, []byte{0x1a}))); sites != 0 || err != nil {
			t.Errorf("% x: %d, %v", body, sites, err)
		}
	}
	for v, text := range map[int64]string{0: "\x00", 63: "\x3f", -64: "\x40", -1: "\x7f", 64: "\xc0\x00", -65: "\xbf\x7f", 1<<32 - 1: "\xff\xff\xff\xff\x0f", -1 << 32: "\x80\x80\x80\x80\x70"} {
		r := reader{data: []byte(text), end: len(text)}
		if have := r.signed(33); have != v || r.bad != "" || r.at != r.end {
			t.Errorf("% x: want %d, have %d %s", text, v, have, r.bad)
		}
	}
}

// TestDamage: a module cut off anywhere or with any byte changed is refused or read, without a panic, and only repaired at the places of
// mis-encoded opcodes.
func TestDamage(t *testing.T) {
	module := assemble(join(nop, constants, maddGo127), join(structure, dotGo127))
	for n := range module {
		cut := bytes.Clone(module[:n])
		checkRepair(t, cut)
		if _, err := Repair(cut); (err == nil) != wholeSections(module, n) {
			t.Errorf("cut off at %d: %v", n, err)
		}
	}
	for i := range module {
		for _, b := range []byte{0x00, 0x01, 0x02, 0x0b, 0x40, 0x7f, 0x80, 0xfd, 0xff} {
			damaged := bytes.Clone(module)
			damaged[i] = b
			checkRepair(t, damaged)
		}
	}
}

// wholeSections tells whether the first n bytes are sections without a rest and no function lacks its code.
func wholeSections(module []byte, n int) bool {
	if n < 8 {
		return false
	}
	at, ids := 8, ""
	for at < n {
		size, k := binary.Uvarint(module[at+1:])
		ids += string(rune(module[at]))
		at += 1 + k + int(size)
	}
	return at == n && strings.Contains(ids, "\x03") == strings.Contains(ids, "\x0a")
}

// checkRepair repairs and holds the result to what Repair promises.
func checkRepair(t *testing.T, module []byte) {
	t.Helper()
	before := bytes.Clone(module)
	sites, err := Repair(module)
	if err != nil && (sites != 0 || !errors.Is(err, ErrModule)) {
		t.Fatalf("%d with error %v", sites, err)
	}
	changed := 0
	for i := range module {
		if module[i] == before[i] {
			continue
		}
		changed++
		pair := i >= 2 && before[i] == 0x01 && module[i] == 0x82 && before[i-2] == 0xfd
		if !pair && !(i >= 3 && before[i] == 0x02 && module[i] == 0x00 && before[i-3] == 0xfd) {
			t.Fatalf("byte %#x: % x became % x", i, before[i], module[i])
		}
	}
	if changed != 2*sites {
		t.Fatalf("%d bytes changed for %d opcodes", changed, sites)
	}
	if err != nil {
		return
	}
	if sites, err := Repair(module); sites != 0 || err != nil {
		t.Fatalf("the second time: %d, %v", sites, err)
	}
}

func FuzzRepair(f *testing.F) {
	f.Add(assemble())
	f.Add(assemble(constants, structure))
	f.Add(assemble(join(maddRight, followed)))
	f.Add(assemble(join(nop, constants, maddGo127), join(structure, dotGo127)))
	f.Fuzz(func(t *testing.T, module []byte) { checkRepair(t, module) })
}

// TestCommand: in place and to another file, with the mode of the first; errors name the file and write nothing.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wasm"), filepath.Join(dir, "out.wasm")
	broken, repaired := assemble(maddGo127), assemble(maddRepaired)
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(in, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	check := func(name string, want []byte) {
		t.Helper()
		have, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: %v, have % x, want % x", name, err, have, want)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	var stderr strings.Builder
	call := func(want int, args ...string) string {
		t.Helper()
		stderr.Reset()
		if have := run(args, &stderr); have != want {
			t.Errorf("%v: status %d, want %d: %s", args, have, want, &stderr)
		}
		return stderr.String()
	}
	write(broken)
	call(0, "-o", out, in)
	check(in, broken)
	check(out, repaired)
	call(0, in)
	check(in, repaired)
	call(0, in)
	check(in, repaired)
	write(assemble([]byte{0x06}))
	if message := call(1, "-o", out, in); !strings.Contains(message, "in.wasm: function 1, offset ") {
		t.Errorf("the place is missing: %s", message)
	}
	check(in, assemble([]byte{0x06}))
	check(out, repaired)
	call(1, filepath.Join(dir, "none"))
	call(1, "-o", filepath.Join(dir, "no folder", "out"), in)
	call(2)
	call(2, in, out)
	call(2, "-unknown", in)
	call(0, "-help")
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("files left behind: %v", left)
	}
}
