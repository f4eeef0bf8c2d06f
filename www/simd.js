// Which SIMD the browser has, by validating the smallest modules that need it.

/**
 * The smallest module that only validates with fixed-width SIMD:
 *
 *   (module
 *     (func (result v128)
 *       i32.const 0
 *       i8x16.splat
 *       i8x16.popcnt))
 */
const simdModule = new Uint8Array([
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version 1
	0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, // type 0: () -> v128
	0x03, 0x02, 0x01, 0x00, // function 0 has type 0
	0x0a, 0x0a, 0x01, 0x08, 0x00, // code: one body, 8 bytes, no locals
	0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b, // i32.const 0; i8x16.splat; i8x16.popcnt; end
]);

export function simdSupported() {
	return typeof WebAssembly === "object" && WebAssembly.validate(simdModule);
}

/**
 * The smallest module that only validates with relaxed SIMD, which has the dot products of engine.relaxed.wasm:
 *
 *   (module
 *     (func (result v128)
 *       unreachable
 *       i32x4.relaxed_dot_i8x16_i7x16_add_s))
 */
const relaxedModule = new Uint8Array([
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version 1
	0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, // type 0: () -> v128
	0x03, 0x02, 0x01, 0x00, // function 0 has type 0
	0x0a, 0x08, 0x01, 0x06, 0x00, // code: one body, 6 bytes, no locals
	0x00, 0xfd, 0x93, 0x02, 0x0b, // unreachable; i32x4.relaxed_dot_i8x16_i7x16_add_s; end
]);

export function relaxedSupported() {
	return WebAssembly.validate(relaxedModule);
}

/**
 * File of the engine that this browser takes, of the two: their answers are the same to the bit, the relaxed one is faster.
 * @param {boolean} [tune] the one that can fine-tune
 */
export function engineFile(tune = false) {
	return `engine${tune ? ".tune" : ""}${relaxedSupported() ? ".relaxed" : ""}.wasm`;
}
