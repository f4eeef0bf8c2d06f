package main

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrModule: the module is cut off, damaged, or uses what the walk does not know. Errors wrap it with the place.
var ErrModule = errors.New("not a module that relaxfix can read")

// Repair corrects the relaxed-SIMD opcodes of a module in place and returns how many there were to correct.
//
// A module is read twice at most: as the standard has it, and when that fails as the assembler of Go 1.27 writes it. What is well-formed
// by the standard is not touched, whatever bytes it holds. On an error, which wraps ErrModule, the module is as it was.
func Repair(module []byte) (sites int, err error) {
	m, err := parse(module)
	if err != nil {
		return 0, err
	}
	_, standard := m.walk(encodingStandard)
	if standard == nil {
		return 0, nil
	}
	places, broken := m.walk(encodingGo127)
	if broken != nil || len(places) == 0 {
		// The reading that came further is the one to speak of.
		if further(broken, standard) {
			standard = broken
		}
		return 0, standard
	}
	for _, at := range places {
		module[at+2] |= 0x80
		module[at+2]++ // 01 -> 82
		module[at+3] = 0
	}
	return len(places), nil
}

// placeError is an error at a byte of a function.
type placeError struct {
	function uint32 // index, imports counted
	offset   int    // of the instruction, in the module
	what     string
}

func (e *placeError) Error() string {
	return fmt.Sprintf("function %d, offset %#x: %s: %v", e.function, e.offset, e.what, ErrModule)
}

func (e *placeError) Unwrap() error { return ErrModule }

// further tells whether error a stands behind error b in the module.
func further(a, b error) bool {
	var x, y *placeError
	return errors.As(a, &x) && errors.As(b, &y) && x.offset > y.offset
}

// function is the code of one function.
type function struct {
	index      uint32
	params     uint32
	start, end int // of its locals and expression in the module
}

// parsed is a module as far as the walk needs it.
type parsed struct {
	data      []byte
	types     []uint32 // number of parameters of each type
	functions []function
}

// Ids of the sections that the walk needs.
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionCode     = 10
	sectionMost     = 12 // data count
)

// parse reads the frame of a module: every section's id and length, and where each function's code lies.
func parse(data []byte) (*parsed, error) {
	if !bytes.HasPrefix(data, []byte("\x00asm\x01\x00\x00\x00")) {
		return nil, fmt.Errorf("no WebAssembly 1 header: %w", ErrModule)
	}
	m := &parsed{data: data}
	r := &reader{data: data, at: 8, end: len(data)}
	var imports uint32
	var declared []uint32 // type of each function with code
	seen := map[byte]bool{}
	for r.at < r.end {
		at := r.at
		id := r.byte()
		size := r.u32()
		if r.bad == "" && int64(size) > int64(r.end-r.at) {
			r.bad = fmt.Sprintf("section of %d bytes with %d left", size, r.end-r.at)
		}
		if r.bad != "" {
			return nil, fmt.Errorf("offset %#x: %s: %w", at, r.bad, ErrModule)
		}
		if id > sectionMost || id != 0 && seen[id] {
			return nil, fmt.Errorf("offset %#x: section %d unknown or there twice: %w", at, id, ErrModule)
		}
		seen[id] = true
		s := &reader{data: data, at: r.at, end: r.at + int(size)}
		r.at = s.end
		switch id {
		case sectionType:
			m.readTypes(s)
		case sectionImport:
			imports = readImports(s)
		case sectionFunction:
			for range s.count() {
				declared = append(declared, s.u32())
			}
		case sectionCode:
			m.readCode(s, imports, declared)
		default:
			continue
		}
		if s.bad == "" && s.at != s.end {
			s.fail("%d bytes left at the end of section %d", s.end-s.at, id)
		}
		if s.bad != "" {
			return nil, fmt.Errorf("section %d, offset %#x: %s: %w", id, s.at, s.bad, ErrModule)
		}
	}
	if len(declared) > 0 && !seen[sectionCode] {
		return nil, fmt.Errorf("%d functions without code: %w", len(declared), ErrModule)
	}
	return m, nil
}

func (m *parsed) readTypes(s *reader) {
	for range s.count() {
		if form := s.byte(); form != 0x60 {
			s.fail("type of form %#x, want a function", form)
			return
		}
		params := s.count()
		s.skip(params)
		s.skip(s.count())
		m.types = append(m.types, params)
	}
}

// readImports returns the number of functions among the imports.
func readImports(s *reader) (functions uint32) {
	for range s.count() {
		s.skip(s.count()) // module
		s.skip(s.count()) // name
		switch kind := s.byte(); kind {
		case 0: // function
			s.u32()
			functions++
		case 1: // table
			s.byte()
			s.limits()
		case 2: // memory
			s.limits()
		case 3: // global
			s.skip(2)
		default:
			s.fail("import of kind %d", kind)
			return 0
		}
	}
	return functions
}

func (m *parsed) readCode(s *reader, imports uint32, declared []uint32) {
	n := s.count()
	if int(n) != len(declared) {
		s.fail("code of %d functions, want %d", n, len(declared))
		return
	}
	for i, typ := range declared {
		size := s.u32()
		start := s.at
		s.skip(size)
		if int(typ) >= len(m.types) {
			s.fail("function %d has type %d of %d", imports+uint32(i), typ, len(m.types))
		}
		if s.bad != "" {
			return
		}
		m.functions = append(m.functions, function{index: imports + uint32(i), params: m.types[typ], start: start, end: s.at})
	}
}
