package adapter

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"haguruma/adapt/journal"
	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
)

var (
	bundleSum  = tensorfile.Hash([]byte("bundle"))
	expertsSum = tensorfile.Hash([]byte("experts"))
)

// sample is an adapter with everything in it.
func sample() *Adapter {
	return &Adapter{
		Bundle: bundleSum, Experts: expertsSum, Scores: []float32{0.1, 0, 0.9},
		Head: Head{
			Kind: "ridge", Strength: 0.1, Scale: 1.0 / 7, Dim: 2,
			// The smallest number, a negative zero, and one that no short decimal is: bits must come through.
			Weight: []float32{math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), 1.0 / 3, -2e30}, Bias: []float32{0.25, -1},
		},
		Classes:  []Class{{1, "良品", 5}, {7, `"bad" \`, 0}},
		Unknown:  &Unknown{1.0 / 7, []float32{1, 0, 0.6, 0.8}},
		Pictures: Pictures{64, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}},
		Change: []tensorfile.Tensor{
			tensorfile.FromInt8("delta.codes", []int{3}, []int8{1, -127, 0}),
			tensorfile.FromFloat32("delta.scale", []int{1}, []float32{1.0 / 3}),
			{Name: "masks.0", DType: tensorfile.U8, Shape: []int{2}, Data: []byte{7, 0}},
		},
		Provenance: Provenance{Time: "2026-11-25T21:23:50Z", Tool: "1.2.3", Journal: journal.Chain{Entries: 3, Head: bundleSum}, Hits: 8, Total: 10, Method: "finetune"},
	}
}

func encode(t testing.TB, a *Adapter) []byte {
	t.Helper()
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRoundTrip: every field, and every bit of every float, comes back; equal adapters are equal bytes.
func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(a *Adapter){
		"all": func(a *Adapter) {},
		"least": func(a *Adapter) {
			*a = Adapter{Bundle: a.Bundle, Head: a.Head, Classes: a.Classes, Pictures: a.Pictures}
		},
	} {
		a := sample()
		change(a)
		data := encode(t, a)
		b, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: have %+v, want %+v", name, b, a)
		}
		for i, v := range a.Head.Weight {
			if math.Float32bits(v) != math.Float32bits(b.Head.Weight[i]) {
				t.Errorf("%s: weight %d: %x became %x", name, i, math.Float32bits(v), math.Float32bits(b.Head.Weight[i]))
			}
		}
		if !bytes.Equal(encode(t, b), data) || len(a.Content) != 64 {
			t.Errorf("%s: written again it is another file", name)
		}
		packed, err := tensorfile.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		zstd, err := tensorfile.EncodeZstd(packed)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Decode(zstd); err != nil || c.Content != a.Content {
			t.Errorf("%s, zstd: %v", name, err)
		}
	}
}

// TestEditedFilesAreRefused: each byte of the file, changed, or the file cut off there, is an error of this package or of tensorfile, or the
// same content.
func TestEditedFilesAreRefused(t *testing.T) {
	a := sample()
	data := encode(t, a)
	named := func(err error) bool {
		for _, known := range sentinels {
			if errors.Is(err, known) {
				return true
			}
		}
		return false
	}
	edited := 0
	for i := range data {
		broken := bytes.Clone(data)
		broken[i] ^= 1 << (i % 8)
		b, err := Decode(broken)
		if err == nil {
			t.Fatalf("byte %d (%q), bit %d: taken: %+v", i, data[i], i%8, b)
		} else if !named(err) {
			t.Fatalf("byte %d, bit %d: %v", i, i%8, err)
		}
		if errors.Is(err, ErrEdited) {
			edited++
		}
		if _, err := Decode(data[:i]); !named(err) {
			t.Fatalf("cut off at byte %d: %v", i, err)
		}
	}
	if edited < 100 {
		t.Errorf("%d changes were seen by the sum alone", edited)
	}
	if _, err := Decode(data[:len(data)-1]); !errors.Is(err, tensorfile.ErrTruncated) {
		t.Errorf("cut short: %v", err)
	}
}

var sentinels = []error{
	ErrFormat, ErrNumbers, ErrTooLarge, ErrEdited,
	tensorfile.ErrTruncated, tensorfile.ErrFormat, tensorfile.ErrDuplicate, tensorfile.ErrDType, tensorfile.ErrShape, tensorfile.ErrTooLarge,
}

// refusals are adapters that nobody may write, and why.
var refusals = []struct {
	name   string
	err    error
	word   string
	change func(a *Adapter)
}{
	{"no bundle", ErrFormat, "bundle", func(a *Adapter) { a.Bundle = "" }},
	{"experts by name", ErrFormat, "experts", func(a *Adapter) { a.Experts = "mine" }},
	{"experts without scores", ErrFormat, "scores", func(a *Adapter) { a.Scores = nil }},
	{"scores without experts", ErrFormat, "scores", func(a *Adapter) { a.Experts = "" }},
	{"many scores", ErrTooLarge, "64", func(a *Adapter) { a.Scores = make([]float32, 65) }},
	{"a negative score", ErrFormat, "0 or more", func(a *Adapter) { a.Scores[1] = -1 }},
	{"a NaN score", ErrNumbers, "scores", func(a *Adapter) { a.Scores[1] = float32(math.NaN()) }},
	{"a NaN weight", ErrNumbers, "head weight", func(a *Adapter) { a.Head.Weight[3] = float32(math.NaN()) }},
	{"an infinite bias", ErrNumbers, "head bias", func(a *Adapter) { a.Head.Bias[0] = float32(math.Inf(-1)) }},
	{"an infinite scale", ErrNumbers, "head", func(a *Adapter) { a.Head.Scale = float32(math.Inf(1)) }},
	{"no scale", ErrFormat, "scale", func(a *Adapter) { a.Head.Scale = 0 }},
	{"a NaN scale", ErrFormat, "scale", func(a *Adapter) { a.Head.Scale = float32(math.NaN()) }},
	{"a NaN strength", ErrFormat, "strength", func(a *Adapter) { a.Head.Strength = math.NaN() }},
	{"an infinite strength", ErrNumbers, "head", func(a *Adapter) { a.Head.Strength = math.Inf(1) }},
	{"another dim", ErrFormat, "weights", func(a *Adapter) { a.Head.Dim = 3 }},
	{"no dim", ErrFormat, "weights", func(a *Adapter) { a.Head.Dim = 0 }},
	{"a kind in words", ErrFormat, "kind", func(a *Adapter) { a.Head.Kind = "The best" }},
	{"one class", ErrFormat, "two classes", func(a *Adapter) { a.Classes = a.Classes[:1] }},
	{"many classes", ErrTooLarge, "classes", func(a *Adapter) { a.Classes = make([]Class, MaxClasses+1) }},
	{"a class more", ErrFormat, "biases", func(a *Adapter) { a.Classes = append(a.Classes, Class{9, "x", 1}) }},
	{"a name twice", ErrFormat, "no other class", func(a *Adapter) { a.Classes[1].Name = a.Classes[0].Name }},
	{"an id twice", ErrFormat, "no other class", func(a *Adapter) { a.Classes[1].ID = 1 }},
	{"a name of two lines", ErrFormat, "plain text", func(a *Adapter) { a.Classes[1].Name = "a\nb" }},
	{"an empty name", ErrFormat, "empty", func(a *Adapter) { a.Classes[1].Name = "" }},
	{"a long name", ErrFormat, "characters", func(a *Adapter) { a.Classes[1].Name = strings.Repeat("良", 101) }},
	{"a NaN threshold", ErrFormat, "cosine", func(a *Adapter) { a.Unknown.Below = float32(math.NaN()) }},
	{"a threshold of 2", ErrFormat, "cosine", func(a *Adapter) { a.Unknown.Below = 2 }},
	{"no prototypes", ErrFormat, "prototypes", func(a *Adapter) { a.Unknown.Prototypes = nil }},
	{"prototypes twice", ErrFormat, "prototypes", func(a *Adapter) { a.Head.Kind = "prototypes" }},
	{"few prototypes", ErrFormat, "prototypes", func(a *Adapter) { a.Unknown.Prototypes = a.Unknown.Prototypes[:2] }},
	{"a NaN prototype", ErrNumbers, "prototypes", func(a *Adapter) { a.Unknown.Prototypes[1] = float32(math.NaN()) }},
	{"no size", ErrFormat, "size", func(a *Adapter) { a.Pictures.Size = 0 }},
	{"no std", ErrFormat, "std", func(a *Adapter) { a.Pictures.Std[2] = 0 }},
	{"a NaN mean", ErrNumbers, "pictures", func(a *Adapter) { a.Pictures.Mean[0] = float32(math.NaN()) }},
	{"too many hits", ErrFormat, "hits", func(a *Adapter) { a.Provenance.Hits = 11 }},
	{"a long time", ErrFormat, "time", func(a *Adapter) { a.Provenance.Time = strings.Repeat("0", 101) }},
	{"no journal", ErrFormat, "journal", func(a *Adapter) { a.Provenance.Journal.Head = "x" }},
	{"a NaN change", ErrNumbers, "delta.scale", func(a *Adapter) {
		a.Change[1] = tensorfile.FromFloat32("delta.scale", nil, []float32{float32(math.NaN())})
	}},
	{"a change in int64", ErrFormat, "delta.codes", func(a *Adapter) { a.Change[0].DType = tensorfile.I64 }},
	{"a change of no name", ErrFormat, "names", func(a *Adapter) { a.Change[0].Name = "" }},
	{"a change cut short", tensorfile.ErrShape, "masks.0", func(a *Adapter) { a.Change[2].Data = a.Change[2].Data[:1] }},
	{"a change twice", tensorfile.ErrDuplicate, "masks.0", func(a *Adapter) { a.Change = append(a.Change, a.Change[2]) }},
}

// TestRefused: neither written nor, where a file can say it at all, read.
func TestRefused(t *testing.T) {
	for _, r := range refusals {
		a := sample()
		r.change(a)
		data, err := a.Encode()
		if !errors.Is(err, r.err) || !strings.Contains(err.Error(), r.word) || data != nil {
			t.Errorf("%s: %d bytes, %v", r.name, len(data), err)
		}
	}
	// By the hand of somebody else, with the right sum but for what cannot be written.
	edit := func(change func(f *tensorfile.File)) error {
		f, content, err := sample().file()
		if err != nil {
			t.Fatal(err)
		}
		f.Metadata[metaContent] = content
		change(f)
		data, err := tensorfile.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Decode(data)
		return err
	}
	tensor := func(name string, change func(t *tensorfile.Tensor)) func(f *tensorfile.File) {
		return func(f *tensorfile.File) {
			x, ok := f.Tensor(name)
			if !ok {
				t.Fatalf("no tensor %s", name)
			}
			change(x)
		}
	}
	for name, r := range map[string]struct {
		err    error
		word   string
		change func(f *tensorfile.File)
	}{
		"another format": {ErrFormat, "haguruma-bundle/1", func(f *tensorfile.File) { f.Metadata["format"] = "haguruma-bundle/1" }},
		"a later format": {ErrFormat, "haguruma-adapter/2", func(f *tensorfile.File) { f.Metadata["format"] = "haguruma-adapter/2" }},
		"no head":        {ErrFormat, "head", func(f *tensorfile.File) { delete(f.Metadata, "head") }},
		"more metadata":  {ErrFormat, "note", func(f *tensorfile.File) { f.Metadata["note"] = "" }},
		"a field more":   {ErrFormat, "not one of ours", func(f *tensorfile.File) { f.Metadata["unknown"] = `{"x":1}` }},
		"not JSON":       {ErrFormat, "pictures", func(f *tensorfile.File) { f.Metadata["pictures"] = "{" }},
		"two means":      {ErrFormat, "three", func(f *tensorfile.File) { f.Metadata["pictures"] = `{"mean":[1,2]}` }},
		"four means":     {ErrFormat, "three", func(f *tensorfile.File) { f.Metadata["pictures"] = `{"mean":[1,2,3,4]}` }},
		"a renamed class": {ErrEdited, "sha256", func(f *tensorfile.File) {
			f.Metadata["classes"] = strings.Replace(f.Metadata["classes"], "良品", "不良", 1)
		}},
		"no sum": {ErrFormat, "content", func(f *tensorfile.File) { delete(f.Metadata, "content") }},
		"a tensor more": {ErrFormat, "x", func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("x", nil, []float32{1}))
		}},
		"no weight": {ErrFormat, "head.weight", func(f *tensorfile.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == "head.weight" })
		}},
		"prototypes alone": {ErrFormat, "unknown", func(f *tensorfile.File) { delete(f.Metadata, "unknown") }},
		"wide prototypes":  {ErrFormat, "rows of 2", tensor("unknown.prototypes", func(t *tensorfile.Tensor) { t.Shape = []int{1, 4} })},
		"an edited change": {ErrEdited, "sha256", tensor("change.masks.0", func(t *tensorfile.Tensor) { t.Data[0]++ })},
		"a flat weight":    {ErrFormat, "2 dimensions", tensor("head.weight", func(t *tensorfile.Tensor) { t.Shape = []int{4} })},
		"an int weight":    {ErrFormat, "want F32", tensor("head.weight", func(t *tensorfile.Tensor) { t.DType = tensorfile.I32 })},
		"a signature of x": {ErrFormat, "signature", func(f *tensorfile.File) {
			f.Metadata["signature"] = `{"algorithm":"ed25519","key":"00","signature":"00"}`
		}},
	} {
		if err := edit(r.change); !errors.Is(err, r.err) || !strings.Contains(err.Error(), r.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFor(t *testing.T) {
	a := sample()
	if err := a.For(bundleSum, expertsSum); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"other": a.For(expertsSum, expertsSum)} {
		if !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), bundleSum) {
			t.Errorf("%s bundle: %v", name, err)
		}
	}
	for name, err := range map[string]error{"other": a.For(bundleSum, bundleSum), "no": a.For(bundleSum, "")} {
		if !errors.Is(err, ErrExperts) {
			t.Errorf("%s experts: %v", name, err)
		}
	}
	a.Experts, a.Scores = "", nil
	if err := a.For(bundleSum, expertsSum); err != nil {
		t.Errorf("experts that are not asked: %v", err)
	}
}

// TestSizes: what a file may weigh: 10 classes at dim 192, without changes and with a tenth of the weights of the default bundle changed.
func TestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const dim, way, weights = 192, 10, 2_700_000
	a := sample()
	a.Head = Head{Kind: "ridge", Scale: 1, Dim: dim, Weight: make([]float32, way*dim), Bias: make([]float32, way)}
	a.Classes, a.Change = nil, nil
	a.Unknown.Prototypes = make([]float32, way*dim)
	for i := range a.Head.Weight {
		a.Head.Weight[i] = rng.Float32()
	}
	for i := range way {
		a.Classes = append(a.Classes, Class{i + 1, strings.Repeat("良", 99) + string(rune('0'+i)), 100})
	}
	plain := len(encode(t, a))
	// As sparse.Change writes it: a bit for each weight, a code for each that changed, a scale for each row.
	codes := make([]int8, weights/10)
	for i := range codes {
		codes[i] = int8(rng.IntN(255) - 127)
	}
	a.Change = []tensorfile.Tensor{
		tensorfile.FromInt8("delta.codes", []int{len(codes)}, codes), tensorfile.FromFloat32("delta.scale", []int{12_000}, make([]float32, 12_000)),
		{Name: "masks.0", DType: tensorfile.U8, Shape: []int{weights / 8}, Data: make([]byte, weights/8)},
	}
	changed := len(encode(t, a))
	t.Logf("%d bytes, %d with %d weights changed", plain, changed, weights/10)
	if plain > 64<<10 || changed > 1<<20 {
		t.Errorf("%d and %d bytes, want at most %d and %d", plain, changed, 64<<10, 1<<20)
	}
}

// FuzzDecode: no panic, every error is one that is documented, memory in proportion, and what is read is written as the same content.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample()))
	a := sample()
	a.Unknown, a.Change, a.Experts, a.Scores = nil, nil, "", nil
	a.Content, a.Signature = "", nil
	f.Add(encode(f, a))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Decode(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 3*maxPacked*uint64(len(data))+4<<20 { // the tables of zstd
			t.Errorf("%d bytes took %d of memory", len(data), used)
		}
		if err != nil {
			if a != nil || !slices.ContainsFunc(sentinels, func(known error) bool { return errors.Is(err, known) }) {
				t.Errorf("%v", err)
			}
			return
		}
		content := a.Content
		again, err := a.Encode()
		if err != nil || a.Content != content {
			t.Fatalf("content %s became %s, %v", content, a.Content, err)
		}
		if b, err := Decode(again); err != nil || b.Content != content {
			t.Errorf("written again: %v", err)
		}
	})
}

// FuzzParts: the same for a file that is well formed as safetensors, whose parts say anything.
func FuzzParts(f *testing.F) {
	a := sample()
	g, _, err := a.file()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.Metadata["head"], g.Metadata["classes"], g.Metadata["unknown"], g.Metadata["pictures"], g.Metadata["provenance"], "", []byte{0, 2}, []byte{1, 2})
	f.Add("{}", "[]", "{}", "{}", "{}", `{"algorithm":"ed25519"}`, []byte{0x80, 0}, []byte{0x80, 1, 2})
	f.Fuzz(func(t *testing.T, head, classes, unknown, pictures, provenance, signature string, at, codes []byte) {
		g, _, err := sample().file()
		if err != nil {
			t.Fatal(err)
		}
		g.Metadata = map[string]string{
			"format": Format, "bundle": bundleSum, "head": head, "classes": classes, "unknown": unknown, "pictures": pictures,
			"provenance": provenance, "content": "", "experts": expertsSum,
		}
		if signature != "" {
			g.Metadata["signature"] = signature
		}
		for i := range g.Tensors {
			switch x := &g.Tensors[i]; x.DType {
			case tensorfile.U8:
				x.Shape, x.Data = []int{len(at)}, at
			case tensorfile.I8:
				x.Shape, x.Data = []int{len(codes)}, codes
			}
		}
		data, err := tensorfile.Encode(g)
		if err != nil {
			return // not UTF-8
		}
		if _, err := Decode(data); err == nil || !slices.ContainsFunc(sentinels, func(known error) bool { return errors.Is(err, known) }) {
			t.Errorf("want an error, at least for the sum, have %v", err)
		}
	})
}

// TestHeadByHand: a head of prototypes is fewshot's cosines to the bit; another one is linear in the embedding of length one.
func TestHeadByHand(t *testing.T) {
	embed := []float32{3, 4}
	a := Adapter{Head: Head{Kind: "prototypes", Scale: fewshot.LogitScale, Dim: 2, Weight: []float32{0.6, 0.8, 1, 0}, Bias: make([]float32, 2)}}
	have, want := make([]float32, 2), make([]float32, 2)
	a.Head.Logits(have, embed)
	fewshot.CosineLogits(want, embed, a.Head.Weight, 1, 2, 2, fewshot.LogitScale)
	if !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	h := Head{Kind: "ridge", Scale: 2, Dim: 2, Weight: []float32{1, 2, -1, 0.5}, Bias: []float32{10, 0}}
	h.Logits(have, embed)
	if math.Abs(float64(have[0])-(2*11.0/5+20)) > 1e-5 || math.Abs(float64(have[1])-2*-1.0/5) > 1e-6 {
		t.Errorf("ridge: %v", have)
	}
	if !a.Knows([]float32{-1, 0}) {
		t.Error("nothing is unknown without a threshold")
	}
	a.Unknown = &Unknown{Below: 0.5}
	if !a.Knows(embed) || a.Knows([]float32{-3, 4}) || a.Knows([]float32{0, 0}) { // cosines 1; 0.28 and -0.6; 0
		t.Error("prototypes of the head")
	}
	a.Unknown.Prototypes = []float32{-0.6, 0.8, 0, 1}
	if !a.Knows([]float32{-3, 4}) || a.Knows([]float32{4, 0}) {
		t.Error("prototypes beside the head")
	}
}
