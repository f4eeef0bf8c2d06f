//go:build js && wasm

package main

import (
	"errors"

	"haguruma/adapt/adapter"
	"haguruma/wasm/errcode"
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

// codes are the ErrorCode of www/engine.d.ts, beside those of package errcode; the page makes its sentences from them.
var codes = []errcode.Named{
	{Err: errUsage, Code: "usage"},
	{Err: errStopped, Code: "aborted"},
	{Err: errHash, Code: "hash"},
	{Err: errBundle, Code: "bundle"},
	{Err: errExperts, Code: "experts"},
	{Err: adapter.ErrBundle, Code: "adapter_bundle"},
	{Err: adapter.ErrExperts, Code: "adapter_bundle"},
	{Err: errAdapter, Code: "adapter"},
	{Err: adapter.ErrFormat, Code: "adapter"},
	{Err: errWeights, Code: "other_weights"},
}

func codeOf(err error) string { return errcode.Of(err, codes) }
