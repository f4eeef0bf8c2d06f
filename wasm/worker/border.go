//go:build js && wasm

package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"unsafe"

	"github.com/hack-pad/safejs"

	"haguruma/wasm/errcode"
)

// verb is what the shim may call: header is JSON, body the bytes that were written to the room before. The body is not kept. The reply becomes JSON.
type verb func(header, body []byte) (reply any, out []byte, err error)

// maxRoom is the most that the shim may ask for, in bytes; keepRoom the largest room that stays for the next call, above what a request usually
// brings and below what would be missed.
const (
	maxRoom  = 64 << 20
	keepRoom = 2 << 20
)

// border moves bytes between the two worlds.
type border struct {
	verbs map[string]verb
	room  []byte // that the shim writes to
	kept  []byte // a room used again
	out   []byte // that the shim reads from
}

// makeRoom(n) returns the address of n bytes, which the next call takes; -1: more than this program gives.
func (b *border) makeRoom(_ safejs.Value, args []safejs.Value) any {
	n, err := args[0].Int()
	if err != nil || n < 0 || n > maxRoom {
		return -1
	}
	if cap(b.kept) < n {
		room := make([]byte, max(n, 1))
		if n <= keepRoom {
			b.kept = room
		}
		b.room = room[:n]
	} else {
		b.room = b.kept[:n]
	}
	return address(b.room)
}

// address is where a slice lies in the linear memory; the collector does not move it.
func address(data []byte) float64 { return float64(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) }

// call(verb, header)
func (b *border) call(_ safejs.Value, args []safejs.Value) (outcome any) {
	body := b.room
	b.room, b.out = nil, nil
	name, err := args[0].String()
	if err != nil {
		return failure(err)
	}
	header, err := args[1].String()
	if err != nil {
		return failure(err)
	}
	defer func() {
		// A fault of ours in one request must not take the others with it.
		if r := recover(); r != nil {
			message := fmt.Sprintf("%s: %v", name, r)
			print("worker: panic: ", message, "\n", string(debug.Stack())) // os.Stderr may wait for the event loop, which waits for this call
			outcome = map[string]any{"code": errcode.Internal, "message": message}
		}
	}()
	run, ok := b.verbs[name]
	if !ok {
		return failure(fmt.Errorf("worker: no verb %q: %w", name, errUsage))
	}
	reply, out, err := run([]byte(header), body)
	if err != nil {
		return failure(err)
	}
	text, err := json.Marshal(reply)
	if err != nil {
		return failure(err)
	}
	b.out = out
	return map[string]any{"reply": string(text), "at": address(out), "length": len(out)}
}

func failure(err error) map[string]any {
	return map[string]any{"code": codeOf(err), "message": err.Error()}
}

// read reads a header; what is not JSON of that shape is an error of the shim.
func read[T any](header []byte) (T, error) {
	var h T
	if err := json.Unmarshal(header, &h); err != nil {
		return h, fmt.Errorf("worker: header: %w: %w", err, errUsage)
	}
	return h, nil
}
