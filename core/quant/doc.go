// Package quant holds int8 weights and multiplies activations by them.
//
// Floor 1. A weight matrix is symmetric per output channel: real = scale[c] * q, q in -127..127. Activations are quantized row by row at the
// moment of use, asymmetric, 7 bits unsigned: real = scale[r] * (q - zero[r]), q in 0..127. 7 bits because the sum of a pair of products then
// stays inside int16 and the relaxed dot product of WebAssembly is exact; so the sums are exact int32 and every machine gives the same bits.
// Rounding is half to even throughout. Start reading at Quantize and Matrix.Mul.
package quant
