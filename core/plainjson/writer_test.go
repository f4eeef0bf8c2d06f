package plainjson

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestWriter: what is written is JSON as the standard library reads it, and reads back here to the same bytes.
func TestWriter(t *testing.T) {
	var w Writer
	w.Object(func() {
		w.Name("text")
		w.Text("良品 \"a\\b\"\n\x00 \xff")
		w.Name("numbers")
		w.List(func() { w.Integer(-3); w.Real(0.1, 32); w.Real(1e-30, 64); w.Flag(true); w.Raw("7") })
		w.Name("empty")
		w.Object(func() {})
	})
	const want = `{"text":"良品 \"a\\b\"\u000a\u0000 ` + "\uFFFD" + `","numbers":[-3,0.1,1e-30,true,7],"empty":{}}`
	if w.String() != want {
		t.Fatalf("have %s, want %s", w.String(), want)
	}
	var value map[string]any
	if err := json.Unmarshal(w.Bytes(), &value); err != nil || value["text"] != "良品 \"a\\b\"\n\x00 \uFFFD" {
		t.Errorf("%v, %v", value, err)
	}
	var raw string
	if err := Read(want, func(s *Scanner) (err error) { raw, err = s.Raw(); return }); err != nil || raw != want {
		t.Errorf("%s, %v", raw, err)
	}
	var text string
	err := Read(want, func(s *Scanner) error {
		return s.Object(func(name string) (err error) {
			if name == "text" {
				text, err = s.Text()
				return err
			}
			_, err = s.Raw()
			return err
		})
	})
	if err != nil || text != value["text"] {
		t.Errorf("%q, %v", text, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("NaN was written")
		}
	}()
	w.Real(math.NaN(), 64)
}

// TestText: one spelling for each text, and nesting has an end.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`"\n"`: "UTF-8 with no escapes", `"\u000A"`: "no escapes", `"\u0020"`: "no escapes", "\"\n\"": "control", `"\`: "no escapes", `"\u00`: "no escapes",
		"\"\xff\"": "UTF-8", "\"\xff\\\"\"": "UTF-8", `"a`: "have the end", `null`: "a digit", `tru`: "true or false", `{"a":[1,}`: "a digit",
		strings.Repeat("[", 9) + strings.Repeat("]", 9): "a value", ``: "a value",
	} {
		err := Read(text, func(s *Scanner) error { _, err := s.Raw(); return err })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, have %v", text, want, err)
		}
	}
}

// FuzzRaw: what Raw takes is JSON, and a text of it is written as it was read.
func FuzzRaw(f *testing.F) {
	f.Add(`{"a":["\u0001é",1.5e3,true]}`)
	f.Add(`"\"\\"`)
	f.Fuzz(func(t *testing.T, text string) {
		if Read(text, func(s *Scanner) error { _, err := s.Raw(); return err }) == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q was taken", text)
		}
		var value string
		if Read(text, func(s *Scanner) (err error) { value, err = s.Text(); return }) != nil {
			return
		}
		var w Writer
		w.Text(value)
		if w.String() != strings.Trim(text, " \t\r\n") {
			t.Errorf("%q came back as %q", text, w.String())
		}
	})
}
