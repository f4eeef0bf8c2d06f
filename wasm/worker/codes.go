//go:build js && wasm

package main

import (
	"errors"

	"haguruma/adapt/adapter"
	"haguruma/wasm/errcode"
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

// codes are what edge/problem.js makes its statuses of, beside those of package errcode.
var codes = []errcode.Named{
	{Err: errUsage, Code: "usage"},
	{Err: errHash, Code: "hash"},
	{Err: errBundle, Code: "bundle"},
	{Err: errExperts, Code: "experts"},
	{Err: errNeeded, Code: "adapter_needed"},
	{Err: errPixels, Code: "too_many_pixels"},
	{Err: errHead, Code: "unknown_head"},
	{Err: adapter.ErrBundle, Code: "adapter_bundle"},
	{Err: adapter.ErrExperts, Code: "adapter_experts"},
	{Err: adapter.ErrEdited, Code: "adapter_edited"},
	{Err: adapter.ErrTooLarge, Code: "adapter_too_large"},
	{Err: errAdapter, Code: "adapter"},
}

func codeOf(err error) string { return errcode.Of(err, codes) }
