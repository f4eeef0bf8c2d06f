package plainjson

import (
	"encoding/json"
	"strings"
	"testing"
)

type values struct {
	I int
	R float64
	W string
	L []int
}

func (v *values) read(s *Scanner) error {
	return s.Object(func(name string) (err error) {
		switch name {
		case "I":
			return s.Integer(&v.I)
		case "R":
			v.R, err = s.Real(64)
			return err
		case "W":
			v.W, err = s.Word()
			return err
		case "L":
			return s.List('[', ']', func() error {
				v.L = append(v.L, 0)
				return s.Integer(&v.L[len(v.L)-1])
			})
		}
		return Unknown(name)
	})
}

// TestRead: what is good, and that each fault is an error that says which.
func TestRead(t *testing.T) {
	var v values
	if err := Read(" {\"I\" : -3, \"R\":2.5e-1,\n\"W\":\"a b\", \"L\":[1,2]} ", v.read); err != nil || v.I != -3 || v.R != 0.25 || v.W != "a b" || len(v.L) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	for text, want := range map[string]string{
		``: "have the end", `{`: "have the end", `{} x`: "the end", `{"I":1,"I":2}`: "twice", `{"x":1}`: "not one of ours", `{"I":1.5}`: "an integer",
		`{"I":01}`: "',' or", `{"R":1e999}`: "out of range", `{"W":"\n"}`: "plain text", `{"W":"a`: "have the end", `{"L":[1,]}`: "a digit", `{"I" 1}`: "':'",
		`{"I":null}`: "a digit", `{"R":1.}`: "a digit", `{"R":1e}`: "a digit",
	} {
		if err := Read(text, new(values).read); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, have %v", text, want, err)
		}
	}
}

// FuzzRead: what is taken, encoding/json takes too, and with the same values.
func FuzzRead(f *testing.F) {
	f.Add(`{"I":1,"R":-0.5E+2,"W":"x","L":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var have, want values
		if Read(text, have.read) != nil {
			return
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if have.I != want.I || have.R != want.R || have.W != want.W || len(have.L) != len(want.L) {
			t.Fatalf("%q: want %+v, have %+v", text, want, have)
		}
	})
}
