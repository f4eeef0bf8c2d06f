package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haguruma/core/vit"
)

// TestMessage: the examples of the encoding's documentation.
func TestMessage(t *testing.T) {
	var m message
	m.integer(1, 150)
	m.text(2, "testing")
	m.integer(3, -1)
	m.float(4, 1)
	want := "\x08\x96\x01" + "\x12\x07testing" + "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + "\x25\x00\x00\x80\x3f"
	if string(m) != want {
		t.Errorf("want %x, have %x", want, string(m))
	}
}

// field is one of a decoded message.
type field struct {
	number int
	value  uint64
	data   []byte
}

func decode(t *testing.T, m []byte) []field {
	t.Helper()
	var fields []field
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 {
			t.Fatal("bad tag")
		}
		m = m[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case wireVarint:
			f.value, n = binary.Uvarint(m)
			m = m[n:]
		case wireLength:
			length, n := binary.Uvarint(m)
			f.data = m[n : n+int(length)]
			m = m[n+int(length):]
		case wire32:
			f.value = uint64(binary.LittleEndian.Uint32(m))
			m = m[4:]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		fields = append(fields, f)
	}
	return fields
}

func all(fields []field, number int) [][]byte {
	var found [][]byte
	for _, f := range fields {
		if f.number == number {
			found = append(found, f.data)
		}
	}
	return found
}

// TestModelInt8: each linear layer is one integer product of codes that stand for its weights, in the graph of Model.
func TestModelInt8(t *testing.T) {
	c := vit.Config{ImageSize: 8, PatchSize: 4, Dim: 4, Depth: 2, Heads: 1, MLPDim: 8, Pool: vit.PoolClass, Eps: 1e-6, Std: [3]float32{1, 1, 1}}
	p := vit.NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	var turned []float32 // qkv of the first block, (in, out)
	for _, tensor := range p.Tensors() {
		if tensor.Name == "blocks.0.attn.qkv.weight" {
			for i := range c.Dim {
				for o := range 3 * c.Dim {
					turned = append(turned, tensor.Data[o*c.Dim+i])
				}
			}
		}
	}
	for weights, zero := range map[Int8]int{U8: 128, S8: 0} {
		data, err := ModelInt8(p, 1, weights)
		if err != nil {
			t.Fatal(err)
		}
		graph := decode(t, all(decode(t, data), 7)[0])
		operations, constants := map[string]int{}, map[string][]byte{}
		for _, node := range all(graph, 1) {
			operations[string(all(decode(t, node), 4)[0])]++
		}
		for _, constant := range all(graph, 5) {
			fields := decode(t, constant)
			constants[string(all(fields, 8)[0])] = all(fields, 9)[0]
		}
		// The two products of attention are of activations alone.
		if operations["MatMulInteger"] != 4*c.Depth || operations["DynamicQuantizeLinear"] != 4*c.Depth || operations["MatMul"] != 2*c.Depth {
			t.Errorf("operations %v", operations)
		}
		found := false
		for name, codes := range constants {
			if !strings.HasPrefix(name, "blocks.0.attn.qkv_") || len(codes) != len(turned) {
				continue
			}
			found = true
			peak := float32(0)
			for _, v := range turned {
				peak = max(peak, v, -v)
			}
			for i, code := range codes {
				q := int(int8(code))
				if weights == U8 {
					q = int(code) - zero
				}
				if have := float32(q) * peak / 127; !(math.Abs(float64(have-turned[i])) <= float64(peak)/253) {
					t.Fatalf("weight %d: code %d stands for %v, want %v", i, code, have, turned[i])
				}
			}
		}
		if !found {
			t.Error("no codes of qkv")
		}
	}
}

func make32(n int) []float32 { return make([]float32, n) }

// TestModel: every graph is well formed: values are made once and before they are used, constants have the bytes of their
// shapes, all weights are there. That it computes what vit computes is TestImportONNX of cmd/haguruma.
func TestModel(t *testing.T) {
	half := [3]float32{0.5, 0.5, 0.5}
	base := vit.Config{ImageSize: 16, PatchSize: 4, Dim: 12, Depth: 2, Heads: 3, MLPDim: 20, Pool: vit.PoolClass, Eps: 1e-6, Mean: half, Std: half}
	mean, stem, registers := base, base, base
	mean.Pool = vit.PoolMean
	stem.Stem = []int{5, 12}
	registers.Registers, registers.LayerScale = 4, 1
	for i, c := range []vit.Config{base, mean, stem, registers} {
		for _, batch := range []int{0, 1, 3} {
			p := vit.NewParams[float32](c)
			p.Init(rand.New(rand.NewPCG(1, 2)))
			make := func() ([]byte, error) { return Model(p, batch) }
			outputs, want := []string{Output}, len(p.Flat)
			var head *Head
			if batch == 3 { // with a head of two classes
				head = &Head{make32(2 * c.Dim), make32(2), []Property{{"classes", "[]"}}}
				make = func() ([]byte, error) { return Classifier(p, batch, 0, head) }
				outputs, want = append(outputs, Probabilities), want+2*c.Dim+2
			}
			data, err := make()
			if err != nil {
				t.Fatal(err)
			}
			again, _ := make()
			if !bytes.Equal(data, again) {
				t.Errorf("config %d: not the same file twice", i)
			}
			if cap(data) > headroom+room(p, head) {
				t.Errorf("config %d: there was room for %d bytes, and the file is one of %d", i, room(p, head), len(data))
			}
			top := decode(t, data)
			graph := decode(t, all(top, 7)[0])
			known, elements := map[string]bool{Input: true}, 0
			for _, constant := range all(graph, 5) {
				fields := decode(t, constant)
				name, size, width := string(all(fields, 8)[0]), 1, 4
				for _, f := range fields {
					if f.number == 1 {
						size *= int(f.value)
					}
					if f.number == 2 && f.value == typeInt64 {
						width = 8
					}
				}
				if raw := all(fields, 9)[0]; len(raw) != size*width {
					t.Errorf("config %d: %s: %d bytes for %d elements", i, name, len(raw), size)
				}
				if known[name] {
					t.Errorf("config %d: %s twice", i, name)
				}
				known[name] = true
				if width == 4 && size > 1 {
					elements += size
				}
			}
			for _, node := range all(graph, 1) {
				fields := decode(t, node)
				for _, input := range all(fields, 1) {
					if !known[string(input)] {
						t.Errorf("config %d: %s before it is made", i, input)
					}
				}
				for _, output := range all(fields, 2) {
					if known[string(output)] {
						t.Errorf("config %d: %s made twice", i, output)
					}
					known[string(output)] = true
				}
			}
			for o, info := range all(graph, 12) {
				if name := string(all(decode(t, info), 1)[0]); len(all(graph, 12)) != len(outputs) || name != outputs[o] || !known[name] {
					t.Errorf("config %d: output %d is %s, want %v", i, o, name, outputs)
				}
			}
			if properties := all(top, 14); len(properties) != len(outputs)-1 {
				t.Errorf("config %d: %d properties", i, len(properties))
			}
			// The class token and its position are one constant.
			if c.Pool == vit.PoolClass {
				want -= c.Dim
			}
			if elements != want {
				t.Errorf("config %d: want %d weights, have %d", i, want, elements)
			}
			if opsets := all(top, 8); len(opsets) != 1 || !slices.Equal(opsets[0], []byte{10, 0, 16, opset}) {
				t.Errorf("config %d: opset %v", i, opsets)
			}
		}
	}
}
