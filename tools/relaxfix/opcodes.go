package main

// kind is what stands behind an opcode.
type kind uint8

const (
	unknown    kind = iota
	none            // nothing
	memory          // alignment and offset
	memoryLane      // alignment, offset, lane
	lane            // a lane
	local           // index of a local variable
	label           // of a branch
	labels          // of a branch table
	index           // of a function, global, table or segment
	index2          // two of them
	zero            // memory 0
	zero2           // memory 0 twice
	indexZero       // index and memory 0
	integer32       // i32.const
	integer64       // i64.const
	bytes4          // f32.const
	bytes8          // f64.const
	bytes16         // v128.const, i8x16.shuffle
)

// plain are the instructions of one byte, but for those that open and close blocks (Core 2.0, section 5.4).
var plain = func() (t [256]kind) {
	set := func(k kind, from, to int) {
		for op := from; op <= to; op++ {
			t[op] = k
		}
	}
	set(none, 0x00, 0x01) // unreachable, nop
	set(label, 0x0c, 0x0d)
	set(labels, 0x0e, 0x0e)
	set(none, 0x0f, 0x0f) // return
	set(index, 0x10, 0x10)
	set(index2, 0x11, 0x11)
	set(none, 0x1a, 0x1b) // drop, select
	set(local, 0x20, 0x22)
	set(index, 0x23, 0x24) // globals
	set(memory, 0x28, 0x3e)
	set(zero, 0x3f, 0x40) // memory.size, memory.grow
	t[0x41], t[0x42], t[0x43], t[0x44] = integer32, integer64, bytes4, bytes8
	set(none, 0x45, 0xc4) // comparison, arithmetic, conversion, sign extension
	return t
}()

// miscKind is what stands behind an instruction with the prefix fc: saturating truncation (0..7) and bulk memory.
func miscKind(op uint32) kind {
	switch op {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		return none
	case 8: // memory.init
		return indexZero
	case 9, 13: // data.drop, elem.drop
		return index
	case 10: // memory.copy
		return zero2
	case 11: // memory.fill
		return zero
	case 12, 14: // table.init, table.copy
		return index2
	}
	return unknown
}

// vectorKind is what stands behind an instruction with the prefix fd: SIMD up to 0xff, relaxed SIMD from 0x100.
func vectorKind(op uint32) kind {
	switch {
	case op <= 0x0b, op == 0x5c, op == 0x5d:
		return memory
	case op == 0x0c, op == 0x0d:
		return bytes16
	case op >= 0x15 && op <= 0x22:
		return lane
	case op >= 0x54 && op <= 0x5b:
		return memoryLane
	case op < relaxedFirst && vectorHoles[op/64]>>(op%64)&1 != 0:
		return unknown
	case op <= relaxedMost:
		return none
	}
	return unknown
}

// vectorHoles are the opcodes below 0x100 that stand for nothing.
var vectorHoles = func() (set [4]uint64) {
	for _, op := range []int{0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee} {
		set[op/64] |= 1 << (op % 64)
	}
	return set
}()
