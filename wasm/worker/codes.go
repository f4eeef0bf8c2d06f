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
	errUsage   = errors.New("a call that no correct shim makes")
	errHash    = errors.New("not the bytes that were named")
	errBundle  = errors.New("not a bundle that this engine reads")
	errExperts = errors.New("not experts of this backbone")
	errNeeded  = errors.New("an adapter that is not held")
	errPixels  = errors.New("more pixels than a request may have")
	errHead    = errors.New("no such kind of head")
	errAdapter = errors.New("not an adapter that can be used here")
)

const codeInternal = "internal"

// codes are what edge/problem.js makes its statuses of, beside those of package adapt.
var codes = []struct {
	err  error
	code string
}{
	{errUsage, "usage"},
	{errHash, "hash"},
	{errBundle, "bundle"},
	{errExperts, "experts"},
	{errNeeded, "adapter_needed"},
	{errPixels, "too_many_pixels"},
	{errHead, "unknown_head"},
	{picture.ErrTruncated, "picture_truncated"},
	{picture.ErrTooLarge, "picture_too_large"},
	{picture.ErrEmpty, "picture_empty"},
	{picture.ErrFormat, "picture_format"},
	{adapter.ErrBundle, "adapter_bundle"},
	{adapter.ErrExperts, "adapter_experts"},
	{adapter.ErrEdited, "adapter_edited"},
	{adapter.ErrTooLarge, "adapter_too_large"},
	{errAdapter, "adapter"},
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
