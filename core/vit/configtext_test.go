package vit

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// full is a config with every field set.
var full = Config{
	ImageSize: 12, PatchSize: 4, Stem: []int{8, 12}, Dim: 12, Depth: 2, Heads: 3, MLPDim: 20, Pool: PoolClass, Registers: 4, LayerScale: 1e-5,
	Eps: 1e-6, Mean: [3]float32{0.485, -1.5e-3, 0}, Std: [3]float32{0.229, 1e10, 1},
}

// TestConfigText: what json writes comes back, field by field, in any order and with white space; every field of Config is known.
func TestConfigText(t *testing.T) {
	for name, c := range map[string]Config{"full": full, "small": smallConfigs()["linear/mean"], "zero": {}, "rounding": {Eps: 0x1.0c6f7a0b5ed8dp-20, Mean: [3]float32{1e-6, 9.999999e-7, 1e21}, Std: [3]float32{1e-10, 9.999999e20, -1e-7}}} {
		if want, err := json.Marshal(c); err != nil || c.json() != string(want) {
			t.Errorf("%s: want %s, have %s, %v", name, want, c.json(), err)
		}
		have, err := decodeConfig(c.json())
		if err != nil || !reflect.DeepEqual(have, c) {
			t.Errorf("%s: want %+v, have %+v, %v", name, c, have, err)
		}
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(full.json()), &fields); err != nil {
		t.Fatal(err)
	}
	if want := reflect.TypeFor[Config]().NumField(); len(fields) != want {
		t.Fatalf("the full config has %d of %d fields", len(fields), want)
	}
	text, err := json.MarshalIndent(fields, " ", "\t") // in the order of their names
	if err != nil {
		t.Fatal(err)
	}
	if have, err := decodeConfig("\r\n" + string(text) + " "); err != nil || !reflect.DeepEqual(have, full) {
		t.Errorf("want %+v, have %+v, %v", full, have, err)
	}
}

// TestConfigTextErrors: each is an ErrConfig that says what and where.
func TestConfigTextErrors(t *testing.T) {
	for _, bad := range []struct{ text, place string }{
		{"", "metadata has no"}, {"[", "byte 0"}, {"{", "have the end"}, {`{"dim"`, "':'"}, {`{"dim": }`, "a digit"}, {`{"dim": 12`, "'}'"},
		{`{"dim": 12,}`, "'\"'"}, {`{"dim": 12} x`, "want the end"}, {`{"dim": 1.5}`, "integer"}, {`{"dim": 1e3}`, "integer"},
		{`{"dim": 012}`, "',' or"}, {`{"dim": 99999999999999999999}`, "integer"}, {`{"dim": "12"}`, "a digit"}, {`{"dim": null}`, "a digit"},
		{`{"dim": 12, "dim": 12}`, "twice"}, {`{"Dim": 12}`, `"Dim"`}, {`{"window": 7}`, `"window"`}, {`{"pool": "cl\u0073"}`, "plain text"},
		{`{"pool": "é"}`, "plain text"}, {`{"pool": "cls`, "have the end"}, {`{"eps": 1e999}`, "out of range"}, {`{"eps": .5}`, "a digit"},
		{`{"eps": 1.}`, "a digit"}, {`{"eps": 1e}`, "a digit"}, {`{"eps": NaN}`, "a digit"}, {`{"mean": [1, 2]}`, "three numbers"},
		{`{"mean": [1, 2, 3, 4]}`, "three numbers"}, {`{"mean": [1e39, 0, 0]}`, "out of range"}, {`{"stem": 8}`, "'['"}, {`{"stem": [8,]}`, "a digit"},
	} {
		if _, err := parseConfig(bad.text); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want ErrConfig that says %q, have %v", bad.text, bad.place, err)
		}
	}
}

// FuzzDecodeConfig: what is accepted is what encoding/json makes of it, and what is written is what it writes.
func FuzzDecodeConfig(f *testing.F) {
	f.Add(full.json())
	f.Add(`{"eps":-0.0e-0,"stem":[],"mean":[1,2,3]}`)
	f.Fuzz(func(t *testing.T, text string) {
		have, err := decodeConfig(text)
		if err != nil {
			return
		}
		var want Config
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if written, err := json.Marshal(have); err != nil || have.json() != string(written) {
			t.Errorf("want %s, have %s, %v", written, have.json(), err)
		}
		if !slices.Equal(have.Stem, want.Stem) {
			t.Errorf("stem: want %v, have %v", want.Stem, have.Stem)
		}
		have.Stem, want.Stem = nil, nil
		if !reflect.DeepEqual(have, want) {
			t.Errorf("want %+v, have %+v", want, have)
		}
	})
}
