// Package picture turns the bytes of an image file into pixels: decoded,
// turned upright, without transparency, resized, cropped, normalised.
//
// Floor 0: it knows nothing of models. Every front (browser, terminal, edge)
// sees the same pixels, because everything after the decoder is integer
// arithmetic, and the two float steps (filter weights, normalisation) are
// written so that no compiler may fuse them.
//
// A format is told by its first bytes, never by a name. Sizes are read from
// the header and held against Limits before any pixel is decoded. Bad input is
// an error that wraps one of the sentinels below, never a panic. Read Decode
// first, then Picture.Square and Picture.Tensor.
package picture

import (
	"errors"
	"fmt"
)

// The reasons for which a file is refused. Every error of this package wraps
// exactly one of the first four, ErrForeign being a kind of ErrFormat.
var (
	ErrEmpty     = errors.New("empty")                     // no bytes, or no pixels
	ErrFormat    = errors.New("not a picture we can read") // another format, an unsupported kind of one, or damage
	ErrTruncated = errors.New("truncated")                 // the file ends before its pixels do
	ErrTooLarge  = errors.New("too large")                 // over the Limits

	// ErrForeign: a format that this build (tag browser) leaves to its caller,
	// who decodes the file and hands the pixels to FromRGBA.
	ErrForeign = fmt.Errorf("the caller has to decode this format: %w", ErrFormat)
)
