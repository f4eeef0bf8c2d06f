//go:build js && wasm

package main

import (
	"errors"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/core/picture"
)

// Errors of this package; everything else comes from below.
var (
	errUsage   = errors.New("a call that no correct page makes")
	errHash    = errors.New("not the bytes that the manifest names")
	errBundle  = errors.New("not a bundle that this engine reads")
	errExperts = errors.New("not experts of this backbone")
	errStopped = errors.New("stopped by the caller")
	errAdapter = errors.New("not an adapter that this engine reads")
	errWeights = errors.New("an embedding of other weights than those in use")
)

const codeInternal = "internal"

// codes are the ErrorCode of www/engine.d.ts, beside those of package adapt; the page makes its sentences from them.
var codes = []struct {
	err  error
	code string
}{
	{errUsage, "usage"},
	{errStopped, "aborted"},
	{errHash, "hash"},
	{errBundle, "bundle"},
	{errExperts, "experts"},
	{adapter.ErrBundle, "adapter_bundle"},
	{adapter.ErrExperts, "adapter_bundle"},
	{errAdapter, "adapter"},
	{adapter.ErrFormat, "adapter"},
	{errWeights, "other_weights"},
	{picture.ErrFormat, "picture_format"},
	{picture.ErrTruncated, "picture_truncated"},
	{picture.ErrTooLarge, "picture_too_large"},
	{picture.ErrEmpty, "picture_empty"},
}

// codeOf returns the code of an error, "internal" for one that no documented sentinel covers.
func codeOf(err error) string {
	if code := adapt.Code(err); code != "" {
		return code
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return codeInternal
}
