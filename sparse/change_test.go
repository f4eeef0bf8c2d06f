package sparse

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/kernel"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// drawChange changes a share of the rows of every tensor, some scalars of each.
func drawChange(tensors []Tensor) []float32 {
	rng, values := rand.New(rand.NewPCG(5, 6)), make([]float32, scalars(tensors))
	for _, t := range tensors {
		rows, cols := t.rowsCols()
		for r := range rows {
			if rng.IntN(3) > 0 {
				continue
			}
			for c := range cols {
				if rng.IntN(4) == 0 {
					values[t.Start+r*cols+c] = float32(0.02 * rng.NormFloat64())
				}
			}
		}
	}
	return values
}

// TestChange: weights are the int8 ones plus the change as it was rounded, quantized again; rows without a change keep codes and scale; the base
// is as it was; and a file gives the same.
func TestChange(t *testing.T) {
	base, tensors := newBackbone(smallConfig)
	before := weightBits(t, base)
	values := drawChange(tensors)
	c, err := NewChange(tensors, values)
	if err != nil {
		t.Fatal(err)
	}
	rounded, open := c.Values(), 0
	for i, v := range rounded {
		if values[i] == 0 && v != 0 {
			t.Fatalf("scalar %d changes by %v and should not", i, v)
		}
		if v != 0 {
			open++
		}
	}
	if c.Len() != open || open == 0 {
		t.Errorf("want %d scalars that change, have %d", open, c.Len())
	}
	all, _, _ := c.Share()
	if all.Changed != open || all.Total != len(values) {
		t.Errorf("share: %+v", all)
	}
	changed, err := c.Apply(base)
	if err != nil {
		t.Fatal(err)
	}
	theta, theta0, theta1 := base.Params(), base.Params(), changed.Params()
	for _, tensor := range tensors {
		rows, cols := tensor.rowsCols()
		for r := range rows {
			from, to := tensor.Start+r*cols, tensor.Start+(r+1)*cols
			want, any := theta.Flat[from:to], false
			for i := range want {
				any = any || rounded[from+i] != 0
				want[i] += rounded[from+i]
			}
			if any && len(tensor.Shape) > 1 && tensor.Name != "cls_token" && tensor.Name != "pos_embed" {
				q := make([]int8, cols)
				scale := kernel.QuantizeWeights(q, want)
				for i := range want {
					want[i] = scale * float32(q[i])
				}
			}
			for i := range want {
				if theta1.Flat[from+i] != want[i] || !any && want[i] != theta0.Flat[from+i] {
					t.Fatalf("%s, row %d, %d: want %v, have %v", tensor.Name, r, i, want[i], theta1.Flat[from+i])
				}
			}
		}
	}
	if weightBits(t, base) != before {
		t.Error("the base was written to")
	}

	data, err := tensorfile.Encode(&tensorfile.File{Tensors: c.File()})
	if err != nil {
		t.Fatal(err)
	}
	file, err := tensorfile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenChange(file, tensors)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := again.Apply(base)
	if err != nil {
		t.Fatal(err)
	}
	if weightBits(t, loaded) != weightBits(t, changed) {
		t.Error("a change from its file does something else")
	}
}

// TestChangeSize: a tenth of the default backbone's weights is a file of less than 1 MB, and nearly every one of them survives the rounding.
func TestChangeSize(t *testing.T) {
	_, tensors := newBackbone(defaultConfig)
	rng, values := rand.New(rand.NewPCG(7, 8)), make([]float32, scalars(tensors))
	for range len(values) / 10 {
		values[rng.IntN(len(values))] = float32(0.02 * rng.NormFloat64())
	}
	c, err := NewChange(tensors, values)
	if err != nil {
		t.Fatal(err)
	}
	data, err := tensorfile.Encode(&tensorfile.File{Tensors: c.File()})
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 1_000_000 || c.Len() < len(values)*9/100 {
		t.Errorf("%d bytes for %d of %d weights", len(data), c.Len(), len(values))
	}
}

// TestChangeOfNothing gives the base itself; what is not finite, too short or of another backbone is refused.
func TestChangeOfNothing(t *testing.T) {
	base, tensors := newBackbone(smallConfig)
	n := scalars(tensors)
	c, err := NewChange(tensors, make([]float32, n))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := c.Apply(base); err != nil || same != base {
		t.Errorf("want the base itself, %v", err)
	}
	values := make([]float32, n)
	values[3] = float32(math.NaN())
	if _, err := NewChange(tensors, values); !errors.Is(err, ErrConfig) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := NewChange(tensors, values[:n-1]); !errors.Is(err, ErrConfig) {
		t.Errorf("too few: %v", err)
	}
	other := smallConfig
	other.MLPDim = 56
	_, others := newBackbone(other)
	c, err = NewChange(others, drawChange(others))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apply(base); !errors.Is(err, ErrBackbone) {
		t.Errorf("another backbone: %v", err)
	}
}

// TestDemand is the magnitude of what a merge adds.
func TestDemand(t *testing.T) {
	e := drawExperts(31, testTensors(), 3, false, false)
	scores := []float32{0.5, 0, 0.25}
	n := scalars(e.Tensors)
	want, theta := make([]float32, n), make([]float32, n)
	e.Merge(theta, theta, scores)
	e.Demand(want, scores)
	positive := 0
	for i, v := range theta {
		if want[i] != float32(math.Abs(float64(v))) {
			t.Fatalf("scalar %d: want %v, have %v", i, v, want[i])
		}
		if v != 0 {
			positive++
		}
	}
	if positive == 0 || positive == n {
		t.Errorf("%d of %d scalars are wanted", positive, n)
	}
}

func FuzzOpenChange(f *testing.F) {
	_, tensors := newBackbone(vit.Config{ImageSize: 8, PatchSize: 4, Dim: 4, Depth: 1, Heads: 1, MLPDim: 4, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half})
	c, err := NewChange(tensors, drawChange(tensors))
	if err != nil {
		f.Fatal(err)
	}
	data, err := tensorfile.Encode(&tensorfile.File{Tensors: c.File()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := tensorfile.Decode(data)
		if err != nil {
			return
		}
		c, err := OpenChange(file, tensors)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, tensorfile.ErrDType) {
				t.Fatalf("no sentinel in %v", err)
			}
			return
		}
		base, _ := newBackbone(vit.Config{ImageSize: 8, PatchSize: 4, Dim: 4, Depth: 1, Heads: 1, MLPDim: 4, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half})
		if _, err := c.Apply(base); err != nil {
			t.Fatal(err)
		}
	})
}
