//go:build js && wasm

package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hack-pad/safejs"

	"haguruma/adapt"
	"haguruma/core/picture"
	"haguruma/wasm/errcode"
)

// call exports a verb, calls it from JavaScript and returns its outcome.
func call(t *testing.T, v verb, args ...any) (value safejs.Value, code, message string) {
	t.Helper()
	b, err := newBorder()
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.export("test", v)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	outcome, err := f.Value().Invoke(args...)
	if err != nil {
		t.Fatalf("the verb threw: %v", err)
	}
	text := func(field string) string {
		v, err := outcome.Get(field)
		if err != nil {
			t.Fatal(err)
		}
		if v.IsUndefined() {
			return ""
		}
		s, err := v.String()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	value, err = outcome.Get("value")
	if err != nil {
		t.Fatal(err)
	}
	return value, text("code"), text("message")
}

// A panic is an outcome like any other, and the program goes on.
func TestExportPanic(t *testing.T) {
	for _, fault := range []any{"text", errors.New("error")} {
		_, code, message := call(t, func(*arguments) (any, error) { panic(fault) })
		if want := fmt.Sprintf("test: %v", fault); code != errcode.Internal || message != want {
			t.Errorf("want %q %q, have %q %q", errcode.Internal, want, code, message)
		}
	}
	_, code, _ := call(t, func(*arguments) (any, error) {
		var none []int
		return none[len(t.Name())], nil
	})
	if code != errcode.Internal {
		t.Errorf("index out of range: want %q, have %q", errcode.Internal, code)
	}
}

func TestExportValue(t *testing.T) {
	value, code, _ := call(t, func(a *arguments) (any, error) { return a.int() + len(a.string()), a.err }, 4, "abc")
	if n, err := value.Int(); n != 7 || err != nil || code != "" {
		t.Errorf("want 7, have %d, %v, %q", n, err, code)
	}
}

// Each documented error has its code, wrapped as it comes; everything else is "internal".
func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{picture.ErrFormat, "picture_format"},
		{fmt.Errorf("adapt: embed: %w", picture.ErrTruncated), "picture_truncated"},
		{picture.ErrTooLarge, "picture_too_large"},
		{picture.ErrEmpty, "picture_empty"},
		{fmt.Errorf("x: %w", adapt.ErrEmptyClass), "empty_class"},
		{adapt.ErrNotAdapted, adapt.CodeNotAdapted},
		{errBundle, "bundle"},
		{errors.New("new"), errcode.Internal},
	} {
		if have := codeOf(c.err); have != c.want {
			t.Errorf("%v: want %q, have %q", c.err, c.want, have)
		}
	}
}

// The input buffer is used again while it is large enough, and a huge one is not kept.
func TestBorderIn(t *testing.T) {
	b, err := newBorder()
	if err != nil {
		t.Fatal(err)
	}
	in := func(n int) []byte {
		array, err := b.out(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		data, err := b.in(array, n)
		if err != nil || len(data) != n {
			t.Fatalf("want %d bytes, have %d, %v", n, len(data), err)
		}
		return data
	}
	first := in(100)
	if second := in(60); &first[0] != &second[0] {
		t.Error("want the same buffer for fewer bytes")
	}
	in(keepBuffer + 1)
	if cap(b.buffer) > keepBuffer {
		t.Errorf("want at most %d bytes kept, have %d", keepBuffer, cap(b.buffer))
	}
	array, err := b.out(make([]byte, 3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.in(array, 4); !errors.Is(err, errUsage) {
		t.Errorf("a length that is not the array's: want %v, have %v", errUsage, err)
	}
}
