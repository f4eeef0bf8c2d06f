package plainjson

import (
	"reflect"
	"strings"
	"testing"
)

type record struct {
	Text  string
	Count int
	Wide  float64
	Real  float32
	Three [3]float32
	Flag  bool
}

func (r *record) read(s *Scanner) error {
	return s.Fields(map[string]any{
		"text": &r.Text, "count": &r.Count, "wide": &r.Wide, "real": &r.Real, "three": &r.Three, "flag": func(s *Scanner) error { return s.Flag(&r.Flag) },
	})
}

// TestFields: every type is read as it was written, to the bit; what is not there stays, and what is not known is refused.
func TestFields(t *testing.T) {
	want := record{"良品 \"a\"\n", -3, 0.1, 0.1, [3]float32{0.1, 1, 1e-30}, true}
	var w Writer
	w.Object(func() {
		w.Field("text", want.Text)
		w.Field("count", want.Count)
		w.Field("wide", want.Wide)
		w.Field("real", want.Real)
		w.Field("three", want.Three)
		w.Name("flag")
		w.Flag(want.Flag)
	})
	if text := `{"text":"良品 \"a\"\u000a","count":-3,"wide":0.1,"real":0.1,"three":[0.1,1,1e-30],"flag":true}`; w.String() != text {
		t.Errorf("have %s, want %s", w.String(), text)
	}
	var have record
	if err := Read(w.String(), have.read); err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("%+v, %v", have, err)
	}
	if err := Read(`{"count":4}`, have.read); err != nil || have.Count != 4 || have.Text != want.Text {
		t.Errorf("%+v, %v", have, err)
	}
	for text, problem := range map[string]string{
		`{"other":1}`: "not one of ours", `{"count":"4"}`: "a digit", `{"three":[1,2]}`: "three numbers", `{"flag":1}`: "true or false", `{"count":1,"count":1}`: "twice",
	} {
		if err := Read(text, new(record).read); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: want an error with %q, have %v", text, problem, err)
		}
	}
	for name, run := range map[string]func(){
		"Fields": func() { Read(`{"x":1}`, func(s *Scanner) error { return s.Fields(map[string]any{"x": new(uint)}) }) },
		"Field":  func() { new(Writer).Field("x", uint(1)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic of a type that it does not know", name)
				}
			}()
			run()
		}()
	}
}
