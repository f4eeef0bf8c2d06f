package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The table of functions as Go 1.27 links it for wasm: runtime/symtab.go (pcHeader, functab), runtime/runtime2.go (_func).
const (
	tableHeader = "\xf1\xff\xff\xff\x00\x00\x01\x08" // magic of Go 1.20 and later, two zeros, quantum 1, pointers of 8 bytes

	// Offsets in the header, 8 bytes each.
	headerFunctions = 8
	headerNames     = 32 // of the five parts, in the order in which they lie
	headerParts     = 5
	headerSize      = headerNames + 8*headerParts

	// Offsets in a _func, 4 bytes each.
	funcName      = 4  // nameOff
	funcFrame     = 16 // pcsp
	funcFile      = 20 // pcfile
	funcLine      = 24 // pcln
	funcPCData    = 28 // number of tables that follow the _func
	funcUnit      = 32 // cuOffset
	funcStartLine = 36
	funcDataCount = 43 // a byte: number of offsets that follow those tables
	funcSize      = 44

	// Which of the tables and of the offsets (internal/abi/symtab.go) are of no use: asynchronous preemption is not for wasm
	// (preemptMSupported in runtime/os_wasm.go), and arguments are for stack traces (printArgs in runtime/traceback.go).
	tableUnsafePoint = 0
	tableArgLive     = 3
	dataArgInfo      = 5
	dataArgLive      = 6
	noData           = 1<<32 - 1
)

// functions is the table of functions in a memory.
type functions struct {
	table []byte // from its header to the end of the memory
	count int

	// Parts of it: names, file names of compilation units, file names, tables by program counter; then functab and the _funcs.
	names, units, files, tables, entries int
}

// trimFunctions takes out of the table of functions in a memory what only stack traces read.
func trimFunctions(image []byte, keep []string) error {
	f, err := findFunctions(image)
	if err != nil {
		return err
	}
	module, err := f.findModule(image, len(image)-len(f.table))
	if err != nil {
		return err
	}
	used, arguments, others := map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}
	for i := range f.count {
		at, err := f.function(i)
		if err != nil {
			return err
		}
		fn := f.table[at:]
		used[word(fn, funcFrame)] = true
		tables, data := word(fn, funcPCData), uint64(fn[funcDataCount])
		if uint64(tables)+data > uint64(len(fn)-funcSize)/4 {
			return fmt.Errorf("function %d has %d tables and %d offsets: %w", i, tables, data, ErrModule)
		}
		offsets := fn[funcSize:][:4*(int(tables)+int(data))]
		for t := range int(tables) {
			if t == tableUnsafePoint || t == tableArgLive {
				binary.LittleEndian.PutUint32(offsets[4*t:], 0) // 0 is no table
			}
			used[word(offsets, 4*t)] = true
		}
		for d := range int(data) {
			field := offsets[4*(int(tables)+d):]
			switch offset := word(field, 0); {
			case d == dataArgInfo && offset != noData:
				arguments[offset] = true
				binary.LittleEndian.PutUint32(field, noData)
			case d == dataArgLive:
				binary.LittleEndian.PutUint32(field, noData)
			default:
				others[offset] = true
			}
		}
		// 0 is no table: file and line are unknown then, which a trace prints as "?".
		for _, field := range []int{funcFile, funcLine, funcUnit, funcStartLine} {
			binary.LittleEndian.PutUint32(fn[field:], 0)
		}
	}
	if err := f.keepTables(used); err != nil {
		return err
	}
	if err := joinBuckets(image, module); err != nil {
		return err
	}
	if err := clearArguments(image, module, arguments, others); err != nil {
		return err
	}
	clear(f.table[f.units:f.tables])
	return f.keepNames(keep)
}

// findFunctions finds the one table in a memory.
func findFunctions(image []byte) (*functions, error) {
	at := bytes.Index(image, []byte(tableHeader))
	if at < 0 || bytes.Contains(image[at+1:], []byte(tableHeader)) {
		return nil, fmt.Errorf("want one table of functions, have none or several: %w", ErrModule)
	}
	table := image[at:]
	if len(table) < headerSize {
		return nil, fmt.Errorf("table of functions is cut off: %w", ErrModule)
	}
	f := &functions{table: table}
	last := headerSize
	for i, part := range []*int{&f.names, &f.units, &f.files, &f.tables, &f.entries} {
		offset := binary.LittleEndian.Uint64(table[headerNames+8*i:])
		if offset < uint64(last) || offset > uint64(len(table)) {
			return nil, fmt.Errorf("part %d of the table of functions at %#x: %w", i, offset, ErrModule)
		}
		last = int(offset)
		*part = last
	}
	count := binary.LittleEndian.Uint64(table[headerFunctions:])
	if count == 0 || count > uint64(len(table)-f.entries)/8 {
		return nil, fmt.Errorf("table of %d functions: %w", count, ErrModule)
	}
	f.count = int(count)
	return f, nil
}

// function returns where the _func of function i lies in the table.
func (f *functions) function(i int) (int, error) {
	offset := word(f.table[f.entries:], 8*i+4)
	if uint64(offset)+funcSize > uint64(len(f.table)-f.entries) {
		return 0, fmt.Errorf("function %d at %#x: %w", i, offset, ErrModule)
	}
	return f.entries + int(offset), nil
}

// keepTables clears the tables by program counter but for those in use. A table is pairs of numbers, the first of a pair being 0 at its
// end only: difference of the value, difference of the program counter.
func (f *functions) keepTables(used map[uint32]bool) error {
	part := f.table[f.tables:f.entries]
	kept := make([]byte, len(part))
	for offset := range used {
		if offset == 0 {
			continue
		}
		if uint64(offset) >= uint64(len(part)) {
			return fmt.Errorf("table by program counter at %#x: %w", offset, ErrModule)
		}
		end := int(offset)
		for first := true; ; first = false {
			value, n := binary.Uvarint(part[end:])
			end += max(n, 0)
			if n > 0 && value == 0 && !first {
				break
			}
			_, m := binary.Uvarint(part[end:])
			end += max(m, 0)
			if n <= 0 || m <= 0 {
				return fmt.Errorf("table by program counter at %#x is cut off: %w", offset, ErrModule)
			}
		}
		copy(kept[offset:end], part[offset:end])
	}
	copy(part, kept)
	return nil
}

// keepNames clears the names of functions but for those that begin with one of keep. All others have the empty name at 0, and those of the
// runtime one "runtime.".
func (f *functions) keepNames(keep []string) error {
	const own = "runtime."
	part := f.table[f.names:f.units]
	kept := make([]byte, len(part))
	shared := uint32(0) // where own is
	for i := range f.count {
		at, err := f.function(i)
		if err != nil {
			return err
		}
		offset := word(f.table[at:], funcName)
		if uint64(offset) >= uint64(len(part)) {
			return fmt.Errorf("name of function %d at %#x: %w", i, offset, ErrModule)
		}
		end := bytes.IndexByte(part[offset:], 0)
		if end < 0 {
			end = len(part) - int(offset)
		}
		name := string(part[offset:][:end])
		stays := slices.ContainsFunc(keep, func(prefix string) bool { return prefix != "" && strings.HasPrefix(name, prefix) })
		switch {
		case stays:
			copy(kept[offset:], name)
			continue
		case !strings.HasPrefix(name, own):
			offset = 0
		case shared == 0:
			shared = offset
			copy(kept[offset:], own)
			continue
		default:
			offset = shared
		}
		binary.LittleEndian.PutUint32(f.table[at+funcName:], offset)
	}
	copy(part, kept)
	return nil
}

func word(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
