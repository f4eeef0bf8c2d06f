//go:build js && wasm

// Command browser is the engine inside the page's Web Worker: the verbs of www/engine.d.ts over one adapt.Task, and
// nothing else. It knows pictures and classes as the page hands them over; how the page looks, how bytes are fetched and
// how messages travel is www's business.
//
// The program gives its verbs to the JavaScript function hagurumaReady and then waits to be called. Each verb returns
// {value} or {code, message}; no Go panic and no JavaScript exception leaves it. Bytes are copied in, into a buffer that
// is used again, and copied out; nothing of JavaScript's is kept between calls.
//
// Read session.go first.
package main

import (
	"fmt"
	"os"

	"github.com/hack-pad/safejs"
)

func main() {
	if err := handOver(); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1) // engine.host.js turns the exit into an error of the load
	}
	select {}
}

// handOver gives the verbs to the page. Their functions are made here, once, and live as long as the program.
func handOver() error {
	b, err := newBorder()
	if err != nil {
		return err
	}
	offered, err := safejs.ValueOf(map[string]any{})
	if err != nil {
		return err
	}
	s := &session{border: b}
	for _, v := range verbs {
		f, err := b.export(v.name, func(a *arguments) (any, error) { return v.call(s, a) })
		if err != nil {
			return err
		}
		if err := offered.Set(v.name, f); err != nil {
			return err
		}
	}
	_, err = safejs.Global().Call("hagurumaReady", offered)
	return err
}
