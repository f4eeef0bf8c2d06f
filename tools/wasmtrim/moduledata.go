package main

import (
	"encoding/binary"
	"fmt"
)

// moduledata of Go 1.27 (runtime/symtab.go), which says where tables lie outside the table of functions, in words of 8 bytes.
const (
	moduleTables   = 16 // ftab, after five slices: names, units, files, tables by program counter, all from functab on
	moduleCount    = 17 // len(ftab): the functions and an end
	moduleBuckets  = 19 // findfunctab
	moduleMinPC    = 20
	moduleMaxPC    = 21
	moduleFuncData = 43 // gofunc
	moduleWords    = 45
)

// Buckets by which the runtime finds the function of a program counter (findfuncbucket in runtime/symtab.go): 4096 counters each, a number
// of a function and 16 bytes to add to it. It then goes on to the right one.
const (
	bucketCounters = 4096
	bucketSize     = 20

	// bucketStep functions share the number of the first: less to download, for at most so many steps.
	bucketStep = 8
)

// Codes of the description of arguments (TraceArgs in internal/abi/type.go): pairs of an offset and a size, or one of these.
const (
	argsEnd   = 0xff
	argsFirst = 0xfb
)

// findModule finds the one moduledata that has the table of functions, which lies at an address of the memory, and returns its words.
func (f *functions) findModule(image []byte, address int) ([]uint64, error) {
	parts := map[int]int{1: f.names, 4: f.units, 7: f.files, 10: f.tables, 13: f.entries, moduleTables: f.entries}
	var found []uint64
search:
	for at := 0; at+8*moduleWords <= len(image); at += 8 {
		if binary.LittleEndian.Uint64(image[at:]) != uint64(address) {
			continue
		}
		for i, offset := range parts {
			if binary.LittleEndian.Uint64(image[at+8*i:]) != uint64(address+offset) {
				continue search
			}
		}
		if found != nil {
			return nil, fmt.Errorf("two moduledata: %w", ErrModule)
		}
		for i := range moduleWords {
			found = append(found, binary.LittleEndian.Uint64(image[at+8*i:]))
		}
	}
	if found == nil || found[moduleCount] != uint64(f.count)+1 {
		return nil, fmt.Errorf("no moduledata of the table of functions: %w", ErrModule)
	}
	return found, nil
}

// joinBuckets makes functions that lie side by side share their number.
func joinBuckets(image []byte, module []uint64) error {
	from, low, high := module[moduleBuckets], module[moduleMinPC], module[moduleMaxPC]
	if low > high || from > uint64(len(image)) || (high-low)/bucketCounters >= (uint64(len(image))-from)/bucketSize {
		return fmt.Errorf("buckets of %#x to %#x at %#x: %w", low, high, from, ErrModule)
	}
	for i := range (high - low + bucketCounters - 1) / bucketCounters {
		bucket := image[from+bucketSize*i:]
		number := word(bucket, 0)
		if uint64(number) >= module[moduleCount] {
			return fmt.Errorf("bucket %d is of function %d: %w", i, number, ErrModule)
		}
		binary.LittleEndian.PutUint32(bucket, number-number%bucketStep)
	}
	return nil
}

// clearArguments clears descriptions of arguments, at these offsets of the functions' data, but for those that others share.
func clearArguments(image []byte, module []uint64, arguments, others map[uint32]bool) error {
	if module[moduleFuncData] > uint64(len(image)) {
		return fmt.Errorf("data of functions at %#x: %w", module[moduleFuncData], ErrModule)
	}
	for offset := range arguments {
		if others[offset] {
			continue
		}
		begin := module[moduleFuncData] + uint64(offset)
		end := begin
		for ; end < uint64(len(image)) && image[end] != argsEnd; end++ {
			if image[end] < argsFirst {
				end++
			}
		}
		if end >= uint64(len(image)) {
			return fmt.Errorf("arguments at %#x are cut off: %w", begin, ErrModule)
		}
		clear(image[begin : end+1])
	}
	return nil
}
