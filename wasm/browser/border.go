//go:build js && wasm

package main

import (
	"fmt"
	"runtime/debug"

	"github.com/hack-pad/safejs"

	"haguruma/wasm/errcode"
)

// verb is what the page may call. The value it returns goes to JavaScript as js.ValueOf makes it.
type verb func(a *arguments) (value any, err error)

// export makes the JavaScript function of a verb: it returns {value} or {code, message}.
func (b *border) export(name string, v verb) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) (outcome any) {
		defer func() {
			// A fault of ours in one call must not take the user's classes with it.
			if r := recover(); r != nil {
				message := fmt.Sprintf("%s: %v", name, r)
				// The built-in print writes at once. os.Stderr may wait for the event loop, which waits for this call.
				print("browser: panic: ", message, "\n", string(debug.Stack()))
				outcome = object("code message", errcode.Internal, message)
			}
		}()
		a := &arguments{verb: name, values: args, uint8Array: b.uint8Array}
		value, err := v(a)
		if err != nil {
			return object("code message", codeOf(err), err.Error())
		}
		return map[string]any{"value": value}
	})
}

// arguments reads a verb's arguments in order. The first that is not what the verb wants sets err, and all later reads
// return zero values.
type arguments struct {
	verb   string
	values []safejs.Value
	at     int
	err    error

	uint8Array safejs.Value // the constructor
}

func (a *arguments) next(want safejs.Type) (v safejs.Value, ok bool) {
	if a.err != nil {
		return v, false
	}
	at := a.at
	a.at++
	if at >= len(a.values) {
		a.err = fmt.Errorf("browser: %s: argument %d: want a %v, have none: %w", a.verb, at, want, errUsage)
		return v, false
	}
	v = a.values[at]
	if v.Type() != want {
		a.err = fmt.Errorf("browser: %s: argument %d: want a %v, have a %v: %w", a.verb, at, want, v.Type(), errUsage)
		return v, false
	}
	return v, true
}

func (a *arguments) int() int {
	v, ok := a.next(safejs.TypeNumber)
	if !ok {
		return 0
	}
	n, err := v.Int()
	if err != nil {
		a.err = err
	}
	return n
}

func (a *arguments) string() string {
	v, ok := a.next(safejs.TypeString)
	if !ok {
		return ""
	}
	s, err := v.String()
	if err != nil {
		a.err = err
	}
	return s
}

// more reports whether there is another argument: those at the end that a caller may leave out.
func (a *arguments) more() bool {
	return a.err == nil && a.at < len(a.values) && !a.values[a.at].IsUndefined()
}

// id reads an id that may be left out: 0.
func (a *arguments) id() int {
	if a.more() {
		return a.int()
	}
	return 0
}

func (a *arguments) bool() bool {
	v, ok := a.next(safejs.TypeBoolean)
	if !ok {
		return false
	}
	b, err := v.Bool()
	if err != nil {
		a.err = err
	}
	return b
}

// bytes returns the next argument, a Uint8Array, and its length.
func (a *arguments) bytes() (array safejs.Value, length int) {
	v, ok := a.next(safejs.TypeObject)
	if !ok {
		return v, 0
	}
	if is, err := v.InstanceOf(a.uint8Array); err != nil || !is {
		a.err = fmt.Errorf("browser: %s: argument %d: want a Uint8Array: %w", a.verb, a.at-1, errUsage)
		return v, 0
	}
	length, a.err = v.Length()
	return v, length
}

// owned copies the next argument, a Uint8Array, to memory of its own.
func (a *arguments) owned() ([]byte, error) {
	array, length := a.bytes()
	if a.err != nil {
		return nil, a.err
	}
	data := make([]byte, length)
	return data, copyIn(data, array)
}

// keepBuffer is the largest input buffer that stays after a call, in bytes: above a phone's photo, below what would be
// missed.
const keepBuffer = 8 << 20

// border moves bytes between the two worlds.
type border struct {
	uint8Array  safejs.Value // the constructor
	performance safejs.Value
	buffer      []byte // of in, used again
}

func newBorder() (*border, error) {
	constructor, err := safejs.Global().Get("Uint8Array")
	if err != nil {
		return nil, err
	}
	performance, err := safejs.Global().Get("performance")
	return &border{uint8Array: constructor, performance: performance}, err
}

// in copies a Uint8Array of the given length to Go. The result is valid until the next call.
func (b *border) in(array safejs.Value, length int) ([]byte, error) {
	data := b.buffer
	if cap(data) < length {
		data = make([]byte, length)
		if length <= keepBuffer {
			b.buffer = data
		}
	}
	data = data[:length]
	return data, copyIn(data, array)
}

// copyIn fills data from a Uint8Array of the same length.
func copyIn(data []byte, array safejs.Value) error {
	n, err := safejs.CopyBytesToGo(data, array)
	if err != nil {
		return fmt.Errorf("browser: want a Uint8Array: %w", errUsage)
	}
	if n != len(data) {
		return fmt.Errorf("browser: want %d bytes, have %d: %w", len(data), n, errUsage)
	}
	return nil
}

// out copies data to a new Uint8Array.
func (b *border) out(data []byte) (safejs.Value, error) {
	array, err := b.uint8Array.New(len(data))
	if err != nil {
		return array, err
	}
	_, err = safejs.CopyBytesToJS(array, data)
	return array, err
}
