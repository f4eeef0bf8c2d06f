package main

// encoding is how the opcodes after the prefix fd are written.
type encoding int

const (
	// encodingStandard: LEB128.
	encodingStandard encoding = iota

	// encodingGo127: as the assembler of Go 1.27 does it. 0x80..0xff are LEB128 with an unwanted nop (01) behind; 0x100+k is 80|k 01 02
	// where 80|k 02 is right.
	encodingGo127
)

// walk reads every instruction of every function and returns where the opcodes of relaxed SIMD are that need repair: the places of their
// prefixes fd. The error is a *placeError.
func (m *parsed) walk(e encoding) (places []int, err error) {
	for _, f := range m.functions {
		w := &walker{reader: reader{data: m.data, at: f.start, end: f.end}, encoding: e, types: uint32(len(m.types))}
		w.body(f.params)
		if w.bad != "" {
			return nil, &placeError{function: f.index, offset: w.last, what: w.bad}
		}
		places = append(places, w.places...)
	}
	return places, nil
}

// walker goes through one function.
type walker struct {
	reader
	encoding encoding
	types    uint32 // function types of the module
	locals   uint64 // parameters included
	open     []byte // opcodes of the blocks around the instruction: block, loop, if, else
	last     int    // where the instruction begins
	places   []int
}

// Opcodes that make the structure of a function, and prefixes.
const (
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	prefixMisc    = 0xfc
	prefixVector  = 0xfd
	relaxedFirst  = 0x100
	relaxedMost   = 0x113
	stackMost     = 1 << 16 // blocks in each other: more than any compiler makes, and a bound for memory
	localsMost    = 50000   // of a function, as in the engines
	blockTypeVoid = -64
)

// body reads the locals and the instructions up to the end of the function.
func (w *walker) body(params uint32) {
	w.last = w.at
	w.locals = uint64(params)
	for range w.count() {
		w.locals += uint64(w.u32())
		w.valueType()
	}
	if w.locals > localsMost {
		w.fail("%d locals", w.locals)
	}
	for w.bad == "" {
		w.last = w.at
		op := w.byte()
		if op == opEnd && len(w.open) == 0 {
			break
		}
		w.instruction(op)
	}
	if w.at != w.end {
		w.fail("%d bytes behind the end of the function", w.end-w.at)
	}
}

// instruction reads what follows the first byte of an instruction.
func (w *walker) instruction(op byte) {
	switch {
	case op == opBlock, op == opLoop, op == opIf:
		w.blockType()
		w.open = append(w.open, op)
		if len(w.open) > stackMost {
			w.fail("more than %d blocks in each other", stackMost)
		}
	case op == opElse:
		if len(w.open) == 0 || w.open[len(w.open)-1] != opIf {
			w.fail("else without if")
			return
		}
		w.open[len(w.open)-1] = opElse
	case op == opEnd:
		w.open = w.open[:len(w.open)-1] // the end of the function does not come here
	case op == prefixMisc:
		w.misc()
	case op == prefixVector:
		w.vector()
	default:
		w.immediates(plain[op])
	}
}

// blockType reads the type of a block: nothing, a value type, or the index of a function type.
func (w *walker) blockType() {
	switch v := w.signed(33); {
	case v == blockTypeVoid:
	case v >= 0:
		if v >= int64(w.types) {
			w.fail("block of type %d of %d", v, w.types)
		}
	default:
		if !isValueType(byte(v & 0x7f)) {
			w.fail("block of type %d", v)
		}
	}
}

func (w *walker) valueType() {
	if t := w.byte(); !isValueType(t) {
		w.fail("value type %#x", t)
	}
}

// isValueType tells whether t is i32, i64, f32, f64, v128, funcref or externref.
func isValueType(t byte) bool { return t >= 0x7b && t <= 0x7f || t == 0x70 || t == 0x6f }

// misc reads an instruction with the prefix fc: saturating truncation, bulk memory.
func (w *walker) misc() {
	op := w.u32()
	w.immediates(miscKind(op))
}

// vector reads an instruction with the prefix fd: SIMD, relaxed SIMD.
func (w *walker) vector() {
	op := w.u32()
	if w.encoding == encodingGo127 && op >= 0x80 && op < relaxedFirst {
		switch next := w.peek(); {
		case w.at != w.last+3:
			w.fail("vector instruction %#x with padding, which Go 1.27 does not write", op)
		case next == 0x01: // the nop: an instruction of its own
		case next == 0x02 && op+0x80 <= relaxedMost:
			w.skip(1)
			op += 0x80
			w.places = append(w.places, w.last)
		default:
			w.fail("vector instruction %#x, then %#02x, which Go 1.27 does not write", op, next)
		}
	}
	w.immediates(vectorKind(op))
}

// immediates reads what stands behind an opcode.
func (w *walker) immediates(k kind) {
	switch k {
	case none:
	case memory:
		w.memoryArgument()
	case memoryLane:
		w.memoryArgument()
		w.byte()
	case lane:
		w.byte()
	case local:
		if i := w.u32(); uint64(i) >= w.locals {
			w.fail("local %d of %d", i, w.locals)
		}
	case label:
		w.label()
	case labels:
		for range w.count() {
			w.label()
		}
		w.label()
	case index:
		w.u32()
	case index2:
		w.u32()
		w.u32()
	case zero:
		w.zero()
	case zero2:
		w.zero()
		w.zero()
	case indexZero:
		w.u32()
		w.zero()
	case integer32:
		w.signed(32)
	case integer64:
		w.signed(64)
	case bytes4:
		w.skip(4)
	case bytes8:
		w.skip(8)
	case bytes16:
		w.skip(16)
	default:
		w.fail("instruction % x is unknown", w.data[w.last:w.at])
	}
}

// memoryArgument reads alignment and offset of an access to memory 0.
func (w *walker) memoryArgument() {
	if align := w.u32(); align > 4 {
		w.fail("alignment of 2^%d bytes", align)
	}
	w.u32()
}

func (w *walker) label() {
	if i := w.u32(); int64(i) > int64(len(w.open)) {
		w.fail("branch out of %d blocks, with %d there", i, len(w.open))
	}
}

// zero reads the byte that stands for the only memory.
func (w *walker) zero() {
	if b := w.byte(); b != 0 {
		w.fail("memory %d", b)
	}
}
