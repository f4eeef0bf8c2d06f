package export

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/adapt/adapter"
	"haguruma/core/onnx"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

var names = []string{`a "quoted" \ name`, "良品 <b>"}

// adaptation is a backbone with registers, and an adapter with a head for it.
func adaptation() (*vit.Params[float32], *adapter.Adapter) {
	p := vit.NewParams[float32](vit.Config{
		ImageSize: 8, PatchSize: 4, Dim: 4, Depth: 1, Heads: 2, MLPDim: 8, Pool: vit.PoolClass, Registers: 2, Eps: 1e-6,
		Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
	})
	p.Init(rand.New(rand.NewPCG(1, 2)))
	for i := range p.Flat {
		p.Flat[i] += float32(i%7) / 8 // tokens and positions begin as zeros
	}
	a := &adapter.Adapter{Head: adapter.Head{Scale: 2, Dim: 4, Weight: []float32{1, 2, 3, 4, 5, 6, 7, 8}, Bias: []float32{0.5, -1}}}
	for _, name := range names {
		a.Classes = append(a.Classes, adapter.Class{Name: name})
	}
	return p, a
}

// read parses the JSON text of a property.
func read[T any](t *testing.T, text string) (x T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return x
}

// TestONNX: the head goes on top with its scale in it, and class names, mean and std go along; without an adapter it is the backbone, in float32 or in codes.
func TestONNX(t *testing.T) {
	p, a := adaptation()
	have, err := ONNX(p, 1, 0, a)
	if err != nil {
		t.Fatal(err)
	}
	head := &onnx.Head{Weight: []float32{2, 4, 6, 8, 10, 12, 14, 16}, Bias: []float32{1, -2}, Properties: []onnx.Property{
		{Key: "classes", Value: classNames(a)}, {Key: "mean", Value: "[0.485,0.456,0.406]"}, {Key: "std", Value: "[0.229,0.224,0.225]"},
	}}
	if want, err := onnx.Classifier(p, 1, 0, head); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%d bytes, want %d, %v", len(have), len(want), err)
	}
	if have := read[[]string](t, classNames(a)); !slices.Equal(have, names) {
		t.Errorf("classes %q", have)
	}
	for codes, want := range map[onnx.Int8]func() ([]byte, error){
		0:       func() ([]byte, error) { return onnx.Model(p, 0) },
		onnx.U8: func() ([]byte, error) { return onnx.ModelInt8(p, 0, onnx.U8) },
	} {
		have, err := ONNX(p, 0, codes, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := want(); err != nil || !bytes.Equal(have, want) {
			t.Errorf("codes %d: %d bytes, want %d, %v", codes, len(have), len(want), err)
		}
	}
}

// TestTimm: registers have timm's name, the class token its position, the head its scale, and the metadata what is needed to use them.
func TestTimm(t *testing.T) {
	p, a := adaptation()
	f := Timm(p, a)
	weights := map[string][]float32{}
	for _, w := range p.Tensors() {
		weights[w.Name] = w.Data
	}
	pos := weights["pos_embed"]
	class := make([]float32, 4)
	for i, v := range weights["cls_token"] {
		class[i] = v + pos[i]
	}
	for name, want := range map[string]struct {
		shape []int
		data  []float32
	}{
		"cls_token": {[]int{1, 1, 4}, class}, "pos_embed": {[]int{1, 4, 4}, pos[4:]}, "reg_token": {[]int{1, 2, 4}, weights["register_tokens"]},
		"blocks.0.mlp.fc1.weight": {[]int{8, 4}, weights["blocks.0.mlp.fc1.weight"]},
		"head.weight":             {[]int{2, 4}, []float32{2, 4, 6, 8, 10, 12, 14, 16}}, "head.bias": {[]int{2}, []float32{1, -2}},
	} {
		tensor, ok := f.Tensor(name)
		if !ok {
			t.Errorf("no %s", name)
			continue
		}
		if have, err := tensor.Float32(); err != nil || !slices.Equal(have, want.data) || !slices.Equal(tensor.Shape, want.shape) {
			t.Errorf("%s: %v %v, want %v %v, %v", name, tensor.Shape, have, want.shape, want.data, err)
		}
	}
	if have := read[[]string](t, f.Metadata["classes"]); !slices.Equal(have, names) {
		t.Errorf("classes %q", have)
	}
	if have := read[vit.Config](t, f.Metadata["config"]); have.Dim != 4 || have.Mean != p.Config.Mean || f.Metadata["format"] != "pt" {
		t.Errorf("metadata %v", f.Metadata)
	}
	if _, err := tensorfile.Encode(f); err != nil {
		t.Error(err)
	}
	bare := Timm(p, nil)
	if _, ok := bare.Tensor("head.weight"); ok || bare.Metadata["classes"] != "" {
		t.Error("a head without an adapter")
	}
}
