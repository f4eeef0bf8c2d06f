package vit

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// layoutFiles are the tensors of published checkpoints, in the order of the state dict: name, shape, and the tensor of
// ours that it is, or - when it is no part of the backbone. # is the number of the block.
//
//go:embed testdata/layouts/*.txt
var layoutFiles embed.FS

type publishedTensor struct{ name, shape, ours string }

// published is one list of testdata/layouts.
type published struct {
	name, layout string
	tensors      []publishedTensor
}

func publishedLayouts(t *testing.T) []published {
	t.Helper()
	files, err := layoutFiles.ReadDir("testdata/layouts")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d lists: %v", len(files), err)
	}
	var all []published
	for _, file := range files {
		text, err := layoutFiles.ReadFile("testdata/layouts/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		list := published{name: strings.TrimSuffix(path.Base(file.Name()), ".txt")}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			switch {
			case fields[0] == "#" && fields[1] == "layout":
				list.layout = fields[2]
			case fields[0] != "#":
				list.tensors = append(list.tensors, publishedTensor{fields[0], fields[1], fields[2]})
			}
		}
		all = append(all, list)
	}
	return all
}

// eachBlock calls visit for every tensor of a model of that depth, # replaced.
func (l published) eachBlock(depth int, visit func(publishedTensor)) {
	for i := 0; i < len(l.tensors); {
		if !strings.Contains(l.tensors[i].name, "#") {
			visit(l.tensors[i])
			i++
			continue
		}
		end := i
		for end < len(l.tensors) && strings.Contains(l.tensors[end].name, "#") {
			end++
		}
		for block := range depth {
			number := strconv.Itoa(block)
			for _, x := range l.tensors[i:end] {
				visit(publishedTensor{strings.Replace(x.name, "#", number, 1), x.shape, strings.Replace(x.ours, "#", number, 1)})
			}
		}
		i = end
	}
}

// config is importConfig with what the list has: registers, LayerScale.
func (l published) config() Config {
	c := importConfig
	for _, x := range l.tensors {
		switch {
		case strings.HasPrefix(x.ours, "register_tokens") && x.shape == "1,R,D":
			c.Registers = 4
		case strings.HasPrefix(x.ours, "register_tokens"):
			c.Registers = 1
		case strings.HasSuffix(x.ours, ".ls1.gamma"):
			c.LayerScale = 1
		}
	}
	return c
}

// shape reads a shape of the lists.
func (c Config) publishedShape(text string) []int {
	letters := map[byte]int{'D': c.Dim, 'M': c.MLPDim, 'P': c.PatchSize, 'G': c.grid() * c.grid(), 'R': c.Registers, 'C': 10, 'H': 7, 'B': 5}
	var shape []int
	for part := range strings.SplitSeq(text, ",") {
		size := 0
		for term := range strings.SplitSeq(part, "+") {
			n, known := letters[term[len(term)-1]]
			digits := term
			if known {
				digits = term[:len(term)-1]
			} else {
				n = 1
			}
			if digits != "" {
				factor, err := strconv.Atoi(digits)
				if err != nil {
					panic(err)
				}
				n *= factor
			}
			size += n
		}
		shape = append(shape, size)
	}
	return shape
}

// file writes the parameters as the list says. Where the class token has no position, that of p is set to zero.
func (l published) file(p *Params[float32]) *tensorfile.File {
	c := p.Config
	own, rng := p.File(), rand.New(rand.NewPCG(5, 6))
	values := func(name string) []float32 {
		x, ok := own.Tensor(name)
		if !ok {
			panic("no tensor " + name)
		}
		all, _ := x.Float32()
		return all
	}
	f := &tensorfile.File{Metadata: map[string]string{"format": "pt"}}
	l.eachBlock(c.Depth, func(x publishedTensor) {
		shape := c.publishedShape(x.shape)
		name, part, _ := strings.Cut(strings.TrimSuffix(x.ours, "]"), "[")
		var data []float32
		switch part {
		case "":
			if name != "-" {
				data = values(name)
				break
			}
			n := 1
			for _, s := range shape {
				n *= s
			}
			for range n {
				data = append(data, float32(rng.NormFloat64()))
			}
		case "0", "1", "2":
			all := values(name)
			third, _ := strconv.Atoi(part)
			data = all[third*len(all)/3 : (third+1)*len(all)/3]
		case "half":
			for _, v := range values(name) {
				data = append(data, v/2)
			}
		case "patches":
			clear(p.net.pos[:c.Dim])
			data = values(name)[c.Dim:]
		case "distilled": // half of the register is its position
			all := values(name)
			data = append(data, all[:c.Dim]...)
			for _, v := range values("register_tokens") {
				data = append(data, v/2)
			}
			data = append(data, all[c.Dim:]...)
		}
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(x.name, shape, data))
	})
	return f
}

var importConfig = Config{ImageSize: 16, PatchSize: 4, Dim: 12, Depth: 2, Heads: 3, MLPDim: 20, Pool: PoolClass, Eps: 1e-6, Mean: half, Std: half}

// importHint is what a small config needs that no published model has.
var importHint = Hint{"a test", `{"heads": 3, "layer_norm_eps": 1e-6, "image_mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}`}

// TestImportParams: every published layout is read to the same parameters, bit for bit, with and without its name, and
// what is left out is what the list says.
func TestImportParams(t *testing.T) {
	for _, l := range publishedLayouts(t) {
		p := randomParams[float32](l.config(), 3)
		f := l.file(p)
		for _, wanted := range []string{"", "auto", l.layout} {
			have, err := ImportParams(f, wanted, importHint)
			if err != nil {
				t.Errorf("%s: %v", l.name, err)
				continue
			}
			if have.Layout != l.layout {
				t.Errorf("%s: want layout %s, have %s", l.name, l.layout, have.Layout)
			}
			if have.Params.Config.json() != p.Config.json() {
				t.Errorf("%s: want config %s, have %s", l.name, p.Config.json(), have.Params.Config.json())
			}
			if !slices.Equal(have.Params.Flat, p.Flat) {
				t.Errorf("%s: other parameters", l.name)
			}
			var left []string
			l.eachBlock(l.config().Depth, func(x publishedTensor) {
				if x.ours == "-" {
					left = append(left, x.name)
				}
				if !strings.HasPrefix(x.name, have.Prefix) && x.ours != "-" {
					t.Errorf("%s: %s is outside the prefix %q", l.name, x.name, have.Prefix)
				}
			})
			if !slices.Equal(have.Ignored, left) {
				t.Errorf("%s: want ignored %q, have %q", l.name, left, have.Ignored)
			}
		}
	}
}

// TestPublishedSizes: at the sizes of the released models, the names and shapes that are looked for are those of the
// lists, all of them.
func TestPublishedSizes(t *testing.T) {
	small := Config{ImageSize: 224, PatchSize: 16, Dim: 384, Depth: 12, Heads: 6, MLPDim: 1536, Pool: PoolClass, Eps: 1e-6, Mean: half, Std: half}
	base := small
	base.Dim, base.Heads, base.MLPDim = 768, 12, 3072
	patch14 := small
	patch14.ImageSize, patch14.PatchSize = 518, 14
	for _, l := range publishedLayouts(t) {
		for _, c := range []Config{small, base, patch14} {
			c.Registers, c.LayerScale = l.config().Registers, l.config().LayerScale
			want := map[string]string{}
			l.eachBlock(c.Depth, func(x publishedTensor) {
				if x.ours != "-" {
					want[x.name] = fmt.Sprint(c.publishedShape(x.shape))
				}
			})
			// A file without bytes: enough to look at.
			f := &tensorfile.File{}
			for name := range want {
				f.Tensors = append(f.Tensors, tensorfile.Tensor{Name: name})
			}
			l.eachBlock(c.Depth, func(x publishedTensor) {
				if x.ours == "-" {
					f.Tensors = append(f.Tensors, tensorfile.Tensor{Name: x.name})
				}
			})
			found, prefix, err := detect(f, "", false)
			if err != nil || found.name != l.layout {
				t.Fatalf("%s: layout %v: %v", l.name, found, err)
			}
			r := &importer{file: f, layout: found, prefix: prefix}
			ours, _ := list[float32](c)
			for i := range ours {
				parts, _ := r.find(ours[i].Name)
				shape := slices.Clone(ours[i].fileShape())
				shape[0] /= len(parts)
				for _, part := range parts {
					if ours[i].Name == "pos_embed" {
						shape = nil // the one tensor with several right lengths: TestImportParams
					} else if want[prefix+part] != fmt.Sprint(shape) {
						t.Errorf("%s: %s: want %v, have %v", l.name, prefix+part, want[prefix+part], shape)
					}
					delete(want, prefix+part)
				}
			}
			if len(want) != 0 {
				t.Errorf("%s: nothing reads %v", l.name, want)
			}
		}
	}
	// Every layout that is offered has a list.
	offered := map[string]bool{}
	for _, l := range publishedLayouts(t) {
		offered[l.layout] = true
	}
	for _, name := range Layouts() {
		if !offered[name] {
			t.Errorf("layout %s: no list in testdata/layouts", name)
		}
	}
}
