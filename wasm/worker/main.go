//go:build js && wasm

// Command worker is the engine at the edge: what edge/program.js calls, inside a Cloudflare Worker. It computes, synchronously, on bytes: requests,
// storage, tenants and limits are the shim's business (edge/), and nothing here waits or does I/O.
//
// The program gives two functions and an address to the ready function of its context and then waits to be called for as long as the isolate lives.
// room(n) returns where in its memory n bytes may be written: a bundle as it streams in, or the pictures of a request, and behind them a verb, a line end
// and a header in JSON. call(at, body, text) does what stands there and returns 0; 1: it failed. At the address are then four numbers of 32 bits: where the
// reply lies, in JSON, its length, and where bytes lie beside it, and theirs, until the next call. The reply to what failed is {code, message}. No panic
// leaves it.
//
// Read session.go first.
package main

import (
	"os"
	"runtime/debug"
	"unsafe"

	"github.com/hack-pad/safejs"
)

// memoryLimit is where the collector stops waiting for garbage to be worth it, in bytes: an isolate has 128 MB for all that is in it.
const memoryLimit = 64 << 20

func main() {
	debug.SetMemoryLimit(memoryLimit)
	if err := handOver(); err != nil {
		print("worker: ", err.Error(), "\n")
		os.Exit(1) // edge/program.js sees that it has exited
	}
	select {}
}

// handOver gives the functions to the shim. They are made here, once, and live as long as the program.
func handOver() error {
	context, err := safejs.Global().Get("context")
	if err != nil {
		return err
	}
	b := &border{verbs: newSession().verbs()}
	room, err := safejs.FuncOf(b.makeRoom)
	if err != nil {
		return err
	}
	call, err := safejs.FuncOf(b.call)
	if err != nil {
		return err
	}
	_, err = context.Call("ready", room, call, int(uintptr(unsafe.Pointer(&b.told)))) // the functions keep b
	return err
}
