//go:build js && wasm

// Package errcode gives errors the names by which JavaScript knows them: that of the page's engine and that of the edge.
package errcode

import (
	"errors"

	"haguruma/adapt"
	"haguruma/core/picture"
)

// Internal is a fault of ours: an error that no documented sentinel covers.
const Internal = "internal"

// Named is an error that others wrap, and its code.
type Named struct {
	Err  error
	Code string
}

// pictures are what is wrong with a picture, at every border alike.
var pictures = []Named{
	{picture.ErrFormat, "picture_format"},
	{picture.ErrTruncated, "picture_truncated"},
	{picture.ErrTooLarge, "picture_too_large"},
	{picture.ErrEmpty, "picture_empty"},
}

// Of returns the code of an error: that of package adapt, else the first of own that it wraps, else that of a picture, else Internal.
func Of(err error, own []Named) string {
	if code := adapt.Code(err); code != "" {
		return code
	}
	for _, list := range [][]Named{own, pictures} {
		for _, n := range list {
			if errors.Is(err, n.Err) {
				return n.Code
			}
		}
	}
	return Internal
}
