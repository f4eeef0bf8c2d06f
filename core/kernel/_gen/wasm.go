package main

import (
	"fmt"
	"log"
	"sort"
	"strings"
)

// The assembler of Go 1.27 knows the names of all vector instructions but writes offset and alignment for V128Load and V128Store only.
// For the other loads the bytes are spelled as instructions whose opcode is that byte: alignment 0 is Unreachable, and an offset in
// LEB128 is Unreachable, Nop, or one or two of the instructions 0x45..0xc4, which are a bare opcode each.

// opcodes are the instructions 0x45..0xc4 in order.
var opcodes = strings.Fields(`
I32Eqz I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU
I64Eqz I64Eq I64Ne I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU
F32Eq F32Ne F32Lt F32Gt F32Le F32Ge F64Eq F64Ne F64Lt F64Gt F64Le F64Ge
I32Clz I32Ctz I32Popcnt I32Add I32Sub I32Mul I32DivS I32DivU I32RemS I32RemU I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl I32Rotr
I64Clz I64Ctz I64Popcnt I64Add I64Sub I64Mul I64DivS I64DivU I64RemS I64RemU I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl I64Rotr
F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest F32Sqrt F32Add F32Sub F32Mul F32Div F32Min F32Max F32Copysign
F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt F64Add F64Sub F64Mul F64Div F64Min F64Max F64Copysign
I32WrapI64 I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U I64ExtendI32S I64ExtendI32U I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U
F32ConvertI32S F32ConvertI32U F32ConvertI64S F32ConvertI64U F32DemoteF64 F64ConvertI32S F64ConvertI32U F64ConvertI64S F64ConvertI64U F64PromoteF32
I32ReinterpretF32 I64ReinterpretF64 F32ReinterpretI32 F64ReinterpretI64 I32Extend8S I32Extend16S I64Extend8S I64Extend16S I64Extend32S`)

// opcode names the instruction whose only byte is b.
func opcode(b int) string {
	switch {
	case b == 0:
		return "Unreachable"
	case b == 1:
		return "Nop"
	case b >= 0x45 && b <= 0xc4:
		return opcodes[b-0x45]
	}
	log.Fatalf("byte %#x has no instruction of its own", b)
	return ""
}

// memarg spells alignment 0 and an offset.
func memarg(offset int) string {
	switch {
	case offset <= 0x44: // two bytes: 0x80+offset, 0x00
		return seq(opcode(0), opcode(0x80+offset), opcode(0))
	case offset <= 0x7f:
		return seq(opcode(0), opcode(offset))
	}
	return seq(opcode(0), opcode(0x80+offset&0x7f), opcode(offset>>7))
}

// loads are the macros of one file: instruction and offset -> name.
type loads map[string]string

// at returns the macro of a load at an offset, after an address on the stack.
func (l loads) at(instruction string, offset int) string {
	name := fmt.Sprintf("%s_%d", instruction, offset)
	l[name] = seq(instruction, memarg(offset))
	return name
}

// write writes the definitions.
func (l loads) write(f *file) {
	names := make([]string, 0, len(l))
	for name := range l {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if len(names[i]) != len(names[j]) {
			return len(names[i]) < len(names[j])
		}
		return names[i] < names[j]
	})
	f.line("// Loads with their offset: the assembler writes the opcode only, so alignment and offset follow as instructions of that byte.")
	for _, name := range names {
		f.line("#define %s %s", name, l[name])
	}
	f.line("")
}

// wasmFile writes the header, the macros and the functions, which are made first because they say which macros they need. tag is the build
// constraint, or empty.
func wasmFile(f *file, tag string, functions func(f *file, l loads)) {
	l, body := loads{}, new(file)
	functions(body, l)
	if tag != "" {
		f.line("//go:build %s", tag)
		f.line("")
	}
	f.line(`#include "textflag.h"`)
	f.line("")
	f.line("// Pointers and counts are in R registers (i64), vectors in V registers. A store has two operands: with one the offset would be lost.")
	f.line("")
	if len(l) > 0 {
		l.write(f)
	}
	f.Write(body.Bytes())
}

// address puts a pointer on the stack.
func address(register string) string { return seq("Get "+register, "I32WrapI64") }

// advance adds bytes to a pointer.
func advance(register string, bytes int) string {
	return seq("Get "+register, fmt.Sprintf("I64Const $%d", bytes), "I64Add", "Set "+register)
}

// loopEnd counts a register down and goes to the start of the innermost loop until it is 0.
func loopEnd(f *file, register, comment string) {
	f.op(seq("Get "+register, "I64Const $1", "I64Sub", "Set "+register, "Get "+register, "I64Eqz", "I32Eqz", "BrIf $0"), "%s", comment)
	f.op("End", "")
}

const zeroV = "V128Const $0, $0"
