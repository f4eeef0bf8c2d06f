package torchfile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// torchFiles were written by torch: testdata/make.py.
//
//go:embed testdata/*.pth
var torchFiles embed.FS

func torchData(t testing.TB, name string) []byte {
	t.Helper()
	data, err := torchFiles.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(data []byte) (*Checkpoint, error) { return New(bytes.NewReader(data), int64(len(data))) }

// TestTorch: what torch saved, in both forms, is read as it was, in its order.
func TestTorch(t *testing.T) {
	for _, name := range []string{"state.pth", "legacy.pth"} {
		data := torchData(t, name)
		if !Is(data[:4]) {
			t.Errorf("%s: Is says no", name)
		}
		c, err := open(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if keys := c.Keys(); !slices.Equal(keys, []string{""}) {
			t.Errorf("%s: keys %q", name, keys)
		}
		f, err := c.StateDict("")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var have []string
		for i := range f.Tensors {
			x := &f.Tensors[i]
			line := fmt.Sprint(x.Name, " ", x.DType, " ", x.Shape)
			if values, err := x.Float32(); err == nil {
				line += fmt.Sprint(" ", values)
			} else {
				line += fmt.Sprint(" ", x.Data)
			}
			have = append(have, line)
		}
		want := []string{
			"weight F32 [2 3] [0 0.25 0.5 0.75 1 1.25]",
			"half F16 [3] [1.5 -2 0.25]",
			"bfloat BF16 [1 2] [1.5 -2]",
			"count I64 [] [7 0 0 0 0 0 0 0]",
			"double F64 [1] [0 0 0 0 0 0 224 63]",
			"flag BOOL [2] [1 0]",
			"transposed F32 [2 3] [0 2 4 1 3 5]",
			"tail F32 [3] [5 6 7]",
			"all F32 [8] [0 1 2 3 4 5 6 7]",
			"empty F32 [0 3] []",
			"parameter F32 [1] [3]",
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s:\nwant %s\nhave %s", name, strings.Join(want, "\n     "), strings.Join(have, "\n     "))
		}
		tail, _ := f.Tensor("tail")
		all, _ := f.Tensor("all")
		if &tail.Data[0] != &all.Data[20] {
			t.Errorf("%s: two views of one storage do not share it", name)
		}
	}
}

// TestTraining: a training checkpoint gives each of its models, and what else is in it does nothing.
func TestTraining(t *testing.T) {
	c, err := open(torchData(t, "training.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if keys := c.Keys(); !slices.Equal(keys, []string{"student", "teacher", ""}) && !slices.Equal(keys, []string{"", "student", "teacher"}) {
		t.Errorf("keys %q", keys)
	}
	f, err := c.StateDict("teacher")
	if err != nil {
		t.Fatal(err)
	}
	weight, _ := f.Tensors[0].Float32()
	bias, _ := f.Tensors[1].Float32()
	if fmt.Sprint(f.Tensors[0].Name, weight, f.Tensors[1].Name, bias) != "weight[2 2 2 2 2 2]bias[-2 -2]" {
		t.Errorf("%s %v, %s %v", f.Tensors[0].Name, weight, f.Tensors[1].Name, bias)
	}
	if _, err := c.StateDict("model"); !errors.Is(err, tensorfile.ErrFormat) || !strings.Contains(err.Error(), "student") {
		t.Errorf("a key that is not there: %v", err)
	}
}

// TestDamaged: no change of a byte, and no cut, makes a panic, and none changes a value of a zip unseen: its records have
// checksums.
func TestDamaged(t *testing.T) {
	read := func(data []byte) (*tensorfile.File, error) {
		c, err := open(data)
		if err != nil {
			return nil, err
		}
		return c.StateDict("")
	}
	for _, name := range []string{"state.pth", "legacy.pth"} {
		good := torchData(t, name)
		for at := range good {
			for _, bit := range []byte{0x01, 0x80} {
				data := slices.Clone(good)
				data[at] ^= bit
				if _, err := read(data); err != nil && !strings.HasPrefix(err.Error(), "torchfile: ") {
					t.Errorf("%s byte %d: %v", name, at, err)
				}
			}
			if _, err := read(good[:at]); err == nil {
				t.Errorf("%s: %d bytes of it are read without an error", name, at)
			}
		}
	}
	// The first storage of state.pth.
	good := torchData(t, "state.pth")
	value := make([]byte, 4)
	for i := range value {
		value[i] = byte(math.Float32bits(1.25) >> (8 * i))
	}
	at := bytes.Index(good, value)
	if at < 0 {
		t.Fatal("no 1.25 in state.pth")
	}
	bad := slices.Clone(good)
	bad[at+1] ^= 1
	if _, err := read(bad); !errors.Is(err, tensorfile.ErrFormat) || !strings.Contains(err.Error(), "weight") {
		t.Errorf("a changed weight: %v", err)
	}
}

// FuzzNew: any bytes are refused with an error of this package or give tensors whose bytes the file holds.
func FuzzNew(f *testing.F) {
	for _, name := range []string{"state.pth", "legacy.pth", "training.pth", "module.pth", "script.pth"} {
		f.Add(torchData(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := open(data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "torchfile: ") {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, key := range c.Keys() {
			file, err := c.StateDict(key)
			if err != nil {
				continue
			}
			for _, x := range file.Tensors {
				n := itemSize(x.DType)
				for _, size := range x.Shape {
					n *= size
				}
				if n != len(x.Data) || n > len(data) {
					t.Errorf("%s %s %v: %d bytes in a file of %d", x.Name, x.DType, x.Shape, len(x.Data), len(data))
				}
			}
		}
	})
}
