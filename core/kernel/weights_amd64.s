//go:build goexperiment.simd

#include "textflag.h"

// WEIGHTS merges 16 elements, each operation rounded as in mergeRowGeneric: w = baseScale*base + mix*(deltaScale*delta).
#define WEIGHTS(at, mix) \
	VPMOVSXBD at(SI), Z5; \
	VCVTDQ2PS Z5, Z5; \
	VMULPS Z16, Z5, Z5; \
	VPMOVSXBD at(DX), Z6; \
	VCVTDQ2PS Z6, Z6; \
	VMULPS Z17, Z6, Z6; \
	VMULPS mix, Z6, Z6; \
	VADDPS Z6, Z5, Z5; \
	VMOVUPS Z5, (4*at)(DI); \
	VPANDD Z19, Z5, Z5; \
	VMAXPS Z5, Z18, Z18

// func mergeBlocks(w *float32, base, delta *int8, masks *mergeMask, constants *mergeConstants, count, blocks uintptr)
TEXT ·mergeBlocks(SB), NOSPLIT, $0-56
	MOVQ w+0(FP), DI
	MOVQ base+8(FP), SI
	MOVQ delta+16(FP), DX
	MOVQ masks+24(FP), R8                                          // count times {pointer to the first bits, score}, 16 bytes
	MOVQ constants+32(FP), R10
	MOVQ count+40(FP), R9                                          // not 0
	MOVQ blocks+48(FP), CX                                         // of 64 elements, not 0
	VBROADCASTSS (R10), Z16
	VBROADCASTSS 4(R10), Z17
	VPXORD Z18, Z18, Z18                                           // magnitudes
	VPTERNLOGD $0xff, Z19, Z19, Z19
	VPSRLD $1, Z19, Z19                                            // all bits but the sign
	XORQ AX, AX                                                    // bytes into the masks

block:
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	VPXORD Z2, Z2, Z2
	VPXORD Z3, Z3, Z3
	MOVQ R8, R11
	MOVQ R9, R12

mask:
	MOVQ (R11), R13
	MOVQ (R13)(AX*1), R13
	TESTQ R13, R13
	JZ next                                                        // adds nothing, as it does nothing to a sum
	KMOVQ R13, K1
	KSHIFTRQ $16, K1, K2
	KSHIFTRQ $32, K1, K3
	KSHIFTRQ $48, K1, K4
	VBROADCASTSS 8(R11), Z4
	VADDPS Z4, Z0, K1, Z0
	VADDPS Z4, Z1, K2, Z1
	VADDPS Z4, Z2, K3, Z2
	VADDPS Z4, Z3, K4, Z3

next:
	ADDQ $16, R11
	DECQ R12
	JNZ mask
	WEIGHTS(0, Z0)
	WEIGHTS(16, Z1)
	WEIGHTS(32, Z2)
	WEIGHTS(48, Z3)
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $256, DI
	ADDQ $8, AX
	DECQ CX
	JNZ block
	VMOVUPS Z18, 8(R10)
	VZEROUPPER
	RET

// CODES writes the codes of 16 weights: w/scale, rounded half to even by a number whose last bit counts 1, and held to -127..127.
#define CODES(at) \
	VMOVUPS (4*at)(SI), Z5; \
	VDIVPS Z16, Z5, Z5; \
	VADDPS Z17, Z5, Z5; \
	VPSUBD Z17, Z5, Z5; \
	VPMAXSD Z18, Z5, Z5; \
	VPMINSD Z19, Z5, Z5; \
	VPMOVDB Z5, at(DI)

// func weightBlocks(q *int8, w *float32, scale float32, blocks uintptr)
TEXT ·weightBlocks(SB), NOSPLIT, $0-32
	MOVQ q+0(FP), DI
	MOVQ w+8(FP), SI
	VBROADCASTSS scale+16(FP), Z16
	MOVQ blocks+24(FP), CX                                         // of 64 weights, not 0
	MOVL $0x4b400000, AX                                           // roundMagicBits
	VPBROADCASTD AX, Z17
	MOVL $-127, AX
	VPBROADCASTD AX, Z18
	MOVL $127, AX
	VPBROADCASTD AX, Z19

codes:
	CODES(0)
	CODES(16)
	CODES(32)
	CODES(48)
	ADDQ $64, DI
	ADDQ $256, SI
	DECQ CX
	JNZ codes
	VZEROUPPER
	RET
