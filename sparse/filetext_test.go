package sparse

import (
	"encoding/json"
	mirror "reflect" // the tests have a reflect of their own
	"testing"

	"haguruma/core/plainjson"
)

// TestFileText: what encoding/json writes of a header and of names is read back, every field of them.
func TestFileText(t *testing.T) {
	h := expertsHeader{Experts: 3, Steps: 16, Temperature: 0.1, Router: &RouterConfig{
		Dim: 8, Experts: 3, Heads: 2, MLPDim: 16, Tokens: 4, Read: ReadSkills, Eps: 1e-5,
	}, Routing: "free"}
	names := []tensorHeader{{"blocks.0.attn.qkv.weight", []int{24, 8}}, {"norm.bias", []int{8}}}
	for what, value := range map[string]any{"experts": h, "router": *h.Router, "tensors": names[0]} {
		v := mirror.ValueOf(value)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s: field %s is not tested", what, v.Type().Field(i).Name)
			}
		}
	}
	text := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if have, err := parseHeader(text(h)); err != nil || !mirror.DeepEqual(have, h) {
		t.Errorf("want %+v, have %+v, %v", h, have, err)
	}
	if have, err := parseNames(text(names)); err != nil || !mirror.DeepEqual(have, names) {
		t.Errorf("want %+v, have %+v, %v", names, have, err)
	}
	for _, bad := range []string{"", "{}", "[1]", `[{"name":"a","shape":[1],"dtype":"I8"}]`, "[] []"} {
		if names, err := parseNames(bad); err == nil {
			t.Errorf("%s: want an error, have %v", bad, names)
		}
	}
	for _, bad := range []string{"", "[]", `{"experts":1,"window":2}`, `{"router":{"dim":1,"depth":2}}`, `{"router":null}`, "{} {}"} {
		if h, err := parseHeader(bad); err == nil {
			t.Errorf("%s: want an error, have %+v", bad, h)
		}
	}
}

func parseHeader(text string) (h expertsHeader, err error) {
	err = plainjson.Read(text, h.read)
	return h, err
}

func parseNames(text string) (names []tensorHeader, err error) {
	err = plainjson.Read(text, func(s *plainjson.Scanner) error { return readTensorHeaders(s, &names) })
	return names, err
}
