// Package tensorfile reads and writes safetensors, the container of this
// project's checkpoints, bundles and adapters, plain or as zstd frames.
//
// Floor 1: it knows bytes, names, dtypes and shapes, and nothing of models.
//
// A file is an 8-byte little-endian header length, a JSON header that maps
// each tensor's name to its dtype, shape and byte range, and the tensors'
// bytes, little-endian and row-major, without gaps
// (https://github.com/huggingface/safetensors, "Format").
//
// The reader is strict: what it does not fully understand is an error that
// names the tensor, says what was wanted and what was found, and wraps one of
// the sentinels below. It never panics on bad input, and the memory it takes
// is bounded by what the input holds. Read Decode first.
package tensorfile

import "errors"

// The reasons for which a file is refused. Every error of Decode, Encode,
// Load, Save and the conversions wraps exactly one of them, or an error of
// the operating system.
var (
	ErrTruncated = errors.New("truncated")       // the file ends before what its header promises
	ErrFormat    = errors.New("not well formed") // not safetensors, or bytes no writer should have written
	ErrDuplicate = errors.New("duplicate name")  // a tensor, metadata or header key occurs twice
	ErrDType     = errors.New("bad dtype")       // a dtype this package does not read, or not one the conversion takes
	ErrShape     = errors.New("bad shape")       // the shape does not agree with the byte count, or overflows
	ErrTooLarge  = errors.New("too large")       // over a limit of this package or of the caller
)

// clip shortens a name from a file for an error message: a hostile header may
// hold a name of many megabytes.
func clip(name string) string {
	const max = 120
	if len(name) <= max {
		return name
	}
	return name[:max] + "..."
}
