package sparse

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// TestCompact: a compact file is smaller, gives back bit for bit what Compact left, which is near what was there, and is written the same
// again; its router must be in int8 whole.
func TestCompact(t *testing.T) {
	tensors := []Tensor{{Name: "w", Shape: []int{60, 80}}, {Name: "b", Shape: []int{60}, Start: 4800}}
	e := drawExperts(3, tensors, 4, false, true)
	delta, router := e.Delta.Values(), slices.Clone(e.Router.Flat)
	wide, err := e.File(nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Compact()
	for i, v := range e.Delta.Values() {
		bound := 0.0
		if i < 4800 {
			row := delta[i/80*80:][:80]
			bound = 0.501 / compactMax * math.Max(float64(slices.Max(row)), -float64(slices.Min(row)))
		}
		if math.Abs(float64(v-delta[i])) > bound {
			t.Fatalf("delta %d: %v, was %v, bound %v", i, v, delta[i], bound)
		}
	}
	worst := 0.0
	for i, v := range e.Router.Flat {
		worst = max(worst, math.Abs(float64(v-router[i])))
	}
	if !(worst > 0 && worst < 0.02) {
		t.Errorf("the router moved by up to %v", worst)
	}
	small, err := e.File(nil)
	if err != nil {
		t.Fatal(err)
	}
	sizes := [2]int{} // of the router
	for i, f := range []*tensorfile.File{wide, small} {
		for _, x := range f.Tensors {
			if strings.HasPrefix(x.Name, routerPrefix) {
				sizes[i] += len(x.Data)
			}
		}
	}
	if sizes[1] >= sizes[0]*2/3 {
		t.Errorf("compact router %d bytes, else %d", sizes[1], sizes[0])
	}
	codes, _ := small.Tensor(deltaCodes)
	for i, c := range codes.Data {
		if c := int8(c); c > compactMax || c < -compactMax {
			t.Fatalf("code %d is %d", i, c)
		}
	}
	back, err := OpenExperts(small)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, back, e)
	if !back.RouterInt8 {
		t.Error("read back, the router is not in int8")
	}
	again, err := back.File(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := tensorfile.Encode(small)
	second, _ := tensorfile.Encode(again)
	if !slices.Equal(first, second) {
		t.Error("saved again, the file differs")
	}

	for name, spoil := range map[string]func(x *tensorfile.Tensor) bool{
		"one matrix in float32": func(x *tensorfile.Tensor) bool {
			if x.Name == "router.keys" {
				*x = tensorfile.FromFloat32(x.Name, x.Shape, make([]float32, len(x.Data)))
			}
			return x.Name != "router.keys_scale"
		},
		"no scales": func(x *tensorfile.Tensor) bool { return x.Name != "router.keys_scale" },
		"short scales": func(x *tensorfile.Tensor) bool {
			if x.Name == "router.keys_scale" {
				*x = tensorfile.FromFloat32(x.Name, []int{3}, make([]float32, 3))
			}
			return true
		},
		"a scale of infinity": func(x *tensorfile.Tensor) bool {
			if x.Name == "router.tokens_scale" {
				*x = tensorfile.FromFloat32(x.Name, x.Shape, []float32{1, float32(math.Inf(1)), 1})
			}
			return true
		},
	} {
		f := &tensorfile.File{Metadata: small.Metadata}
		for _, x := range small.Tensors {
			if spoil(&x) {
				f.Tensors = append(f.Tensors, x)
			}
		}
		if _, err := OpenExperts(f); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}
