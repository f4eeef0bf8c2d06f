//go:build js && wasm

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
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

// border moves bytes between the two worlds. Only numbers cross it as values of JavaScript, for each string that does costs as much as a call: all else is
// written to and read from memory.
type border struct {
	verbs map[string]verb
	kept  []byte // the room that calls use again
	once  []byte // a larger one, for one call
	reply []byte
	out   []byte
	told  told
}

// told is where the shim finds what a call has to say, until the next: the reply, in JSON, and bytes beside it.
type told struct{ reply, replyLength, out, outLength uint32 }

// makeRoom(n) returns the address of n bytes; -1: more than this program gives. Up to keepRoom they stay until more are asked for, above it until a call.
func (b *border) makeRoom(_ safejs.Value, args []safejs.Value) any {
	n, err := args[0].Int()
	switch {
	case err != nil || n < 0 || n > maxRoom:
		return -1
	case n > keepRoom:
		b.once = make([]byte, n)
		return int(address(b.once))
	case len(b.kept) < n || n == 0:
		b.kept = make([]byte, max(n, 1))
	}
	return int(address(b.kept))
}

// address is where a slice lies in the linear memory; the collector does not move it.
func address(data []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) }

// take returns the room at an address, which must have n bytes. A large one is given up.
func (b *border) take(at, n int) ([]byte, error) {
	room, once := b.kept, b.once
	b.once = nil
	if once != nil && int(address(once)) == at {
		room = once
	}
	if len(room) == 0 || int(address(room)) != at || n > len(room) {
		return nil, fmt.Errorf("worker: no room of %d bytes at %d: %w", n, at, errUsage)
	}
	return room[:n], nil
}

// The outcomes of a call. The reply to one that failed is a failure.
const (
	outcomeGood   = 0
	outcomeFailed = 1
)

// call(at, body, text) does what the room at an address asks for: behind so many bytes of body lie so many of text, a verb and, after a line end, a header.
func (b *border) call(_ safejs.Value, args []safejs.Value) (outcome any) {
	// A fault of ours in one request must not take the others with it.
	name := ""
	defer func() {
		if r := recover(); r != nil {
			message := fmt.Sprintf("%s: %v", name, r)
			print("worker: panic: ", message, "\n", string(debug.Stack())) // os.Stderr may wait for the event loop, which waits for this call
			outcome = b.tell(failure{errcode.Internal, message}, nil, outcomeFailed)
		}
	}()
	reply, out, err := b.run(args, &name)
	if err != nil {
		return b.tell(failure{codeOf(err), err.Error()}, nil, outcomeFailed)
	}
	return b.tell(reply, out, outcomeGood)
}

func (b *border) run(args []safejs.Value, name *string) (any, []byte, error) {
	var numbers [3]int
	for i := range numbers {
		n, err := args[i].Int()
		if err != nil {
			return nil, nil, err
		}
		if n < 0 || n > math.MaxInt32 {
			return nil, nil, fmt.Errorf("worker: call: want a length or an address, have %d: %w", n, errUsage)
		}
		numbers[i] = n
	}
	at, body, text := numbers[0], numbers[1], numbers[2]
	room, err := b.take(at, body+text)
	if err != nil {
		return nil, nil, err
	}
	verb, header, _ := bytes.Cut(room[body:], []byte{'\n'})
	*name = string(verb)
	run, ok := b.verbs[*name]
	if !ok {
		return nil, nil, fmt.Errorf("worker: no verb %q: %w", *name, errUsage)
	}
	return run(header, room[:body:body])
}

// tell leaves what a call has to say where the shim finds it.
func (b *border) tell(reply any, out []byte, outcome int) int {
	text, err := json.Marshal(reply)
	if err != nil {
		out, outcome = nil, outcomeFailed
		text, _ = json.Marshal(failure{codeOf(err), err.Error()}) // two strings: that does not fail
	}
	b.reply, b.out = text, out
	b.told = told{address(text), uint32(len(text)), address(out), uint32(len(out))}
	return outcome
}

// failure is the reply to a call that failed.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// read reads a header; what is not JSON of that shape is an error of the shim.
func read[T any](header []byte) (T, error) {
	var h T
	if err := json.Unmarshal(header, &h); err != nil {
		return h, fmt.Errorf("worker: header: %w: %w", err, errUsage)
	}
	return h, nil
}
