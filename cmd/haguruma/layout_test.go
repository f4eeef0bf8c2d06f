package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// layoutConfig is a backbone of a size for tests, at the width of a head of the published models.
var layoutConfig = vit.Config{
	ImageSize: 64, PatchSize: 16, Dim: 128, Depth: 3, Heads: 2, MLPDim: 320, Pool: vit.PoolClass, Eps: 1e-6,
	Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
}

// layoutNames are the lists in core/vit/testdata/layouts: each is the tensors of a published checkpoint.
func layoutNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../core/vit/testdata/layouts/*.txt")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d lists: %v", len(files), err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".txt")
	}
	return files
}

// layoutCheckpoint draws a backbone of the config and writes it as the list says. Registers and LayerScale come from the
// list. It returns the backbone, the checkpoint, and the layout that it is in.
func layoutCheckpoint(t *testing.T, list string, c vit.Config) (*vit.Params[float32], *tensorfile.File, string) {
	t.Helper()
	text, err := os.ReadFile("../../core/vit/testdata/layouts/" + list + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	layout, noClassPosition := "", false
	for line := range strings.Lines(string(text)) {
		row := strings.Fields(line)
		switch {
		case row[0] == "#" && row[1] == "layout":
			layout = row[2]
		case row[0] != "#":
			rows = append(rows, row)
			noClassPosition = noClassPosition || row[2] == "pos_embed[patches]"
		}
		switch {
		case strings.HasPrefix(row[2], "register_tokens") && row[1] == "1,R,D":
			c.Registers = 4
		case strings.HasPrefix(row[2], "register_tokens"):
			c.Registers = 1
		case strings.HasSuffix(row[2], "ls1.gamma"):
			c.LayerScale = 1
		}
	}
	p := randomBackbone(c)
	if noClassPosition {
		for _, x := range p.Tensors() {
			if x.Name == "pos_embed" {
				clear(x.Data[:c.Dim])
			}
		}
	}
	own, f := p.File(), &tensorfile.File{Metadata: map[string]string{"format": "pt"}}
	rng := rand.New(rand.NewPCG(9, 9))
	add := func(name, source, shape string) {
		source, part, _ := strings.Cut(strings.TrimSuffix(source, "]"), "[")
		values := func(of string) ([]float32, []int) {
			x, ok := own.Tensor(of)
			if !ok {
				t.Fatalf("%s: no tensor %s", list, of)
			}
			all, err := x.Float32()
			if err != nil {
				t.Fatal(err)
			}
			return all, append([]int{}, x.Shape...)
		}
		if source == "-" { // no part of the backbone
			rank := 1 + strings.Count(shape, ",")
			sizes, n := make([]int, rank), 1
			for i := range sizes {
				sizes[i] = 2 + i
				n *= sizes[i]
			}
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, sizes, x))
			return
		}
		x, sizes := values(source)
		switch part {
		case "0", "1", "2":
			third, _ := strconv.Atoi(part)
			x = x[third*len(x)/3 : (third+1)*len(x)/3]
			sizes[0] /= 3
		case "half": // the other half of the register is its position
			for i := range x {
				x[i] /= 2
			}
		case "patches":
			x = x[c.Dim:]
			sizes[1]--
		case "distilled":
			register, _ := values("register_tokens")
			for i := range register {
				register[i] /= 2
			}
			x = append(append(append([]float32{}, x[:c.Dim]...), register...), x[c.Dim:]...)
			sizes[1]++
		}
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, sizes, x))
	}
	for i := 0; i < len(rows); i++ {
		if !strings.Contains(rows[i][0], "#") {
			add(rows[i][0], rows[i][2], rows[i][1])
			continue
		}
		end := i
		for strings.Contains(rows[end][0], "#") {
			end++
		}
		for block := range c.Depth {
			number := strconv.Itoa(block)
			for _, row := range rows[i:end] {
				add(strings.Replace(row[0], "#", number, 1), strings.Replace(row[2], "#", number, 1), row[1])
			}
		}
		i = end - 1
	}
	return p, f, layout
}

// randomBackbone draws weights on the scale of trained ones: matrices that keep the size of what goes through them, gains
// near one, factors of LayerScale below one, positions and tokens that are seen.
func randomBackbone(c vit.Config) *vit.Params[float32] {
	rng := rand.New(rand.NewPCG(3, 4))
	p := vit.NewParams[float32](c)
	p.Init(rng)
	for _, x := range p.Tensors() {
		scale := 0.05
		switch {
		case len(x.Shape) == 2: // what Init drew has deviation 0.02
			for i := range x.Data {
				x.Data[i] *= 2
			}
			scale = 0
		case strings.HasSuffix(x.Name, "gamma"):
			scale = 0.2
		case strings.HasSuffix(x.Name, "_embed") || strings.HasSuffix(x.Name, "_token") || strings.HasSuffix(x.Name, "_tokens"):
			scale = 0.3
		case strings.Contains(x.Name, "norm") && strings.HasSuffix(x.Name, "weight"):
			scale = 0.2
		}
		for i := range x.Data {
			x.Data[i] += float32(scale * rng.NormFloat64())
		}
	}
	return p
}

// torchSave writes what torch.save makes of state dicts: of the one under "" alone, or of a training checkpoint with
// other things in it.
// Source: torch/serialization.py, _save; torch/_utils.py, _rebuild_tensor_v2.
func torchSave(t *testing.T, path string, keys []string, dicts ...*tensorfile.File) string {
	t.Helper()
	pickle := bytes.NewBufferString("\x80\x02")
	integer := func(n int) {
		pickle.WriteByte('J')
		pickle.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	}
	text := func(s string) {
		pickle.WriteByte('X')
		pickle.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
		pickle.WriteString(s)
	}
	const ordered = "ccollections\nOrderedDict\n)R"
	var records [][]byte
	dict := func(f *tensorfile.File) {
		pickle.WriteString(ordered + "(")
		for _, x := range f.Tensors {
			class := map[tensorfile.DType]string{tensorfile.F32: "FloatStorage", tensorfile.F16: "HalfStorage"}[x.DType]
			text(x.Name)
			pickle.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
			text("storage")
			pickle.WriteString("ctorch\n" + class + "\n")
			text(strconv.Itoa(len(records)))
			text("cpu")
			integer(x.Elements())
			pickle.WriteString("tQ")
			integer(0)
			pickle.WriteByte('(')
			for _, size := range x.Shape {
				integer(size)
			}
			pickle.WriteString("t(")
			for i := range x.Shape {
				stride := 1
				for _, size := range x.Shape[i+1:] {
					stride *= size
				}
				integer(stride)
			}
			pickle.WriteString("t\x89" + ordered + "tR")
			records = append(records, x.Data)
		}
		pickle.WriteByte('u')
	}
	if len(keys) == 1 && keys[0] == "" {
		dict(dicts[0])
	} else {
		pickle.WriteString("}(")
		for i, key := range keys {
			text(key)
			dict(dicts[i])
		}
		text("epoch")
		integer(100)
		text("args")
		pickle.WriteString("cargparse\nNamespace\n)\x81}")
		text("arch")
		text("vit_small")
		pickle.WriteString("sbu")
	}
	pickle.WriteByte('.')
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := zip.NewWriter(file)
	add := func(name string, data []byte) {
		out, err := w.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = out.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("data.pkl", pickle.Bytes())
	for i, data := range records {
		add("data/"+strconv.Itoa(i), data)
	}
	add("version", []byte("3\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
