package sparse

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/bits"

	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

// Names in an experts file; docs/FORMAT.md describes it.
const (
	metaFormat     = "format"
	metaExperts    = "experts"
	metaTensors    = "tensors"
	metaBackbone   = "backbone"
	deltaCodes     = "delta.codes"
	deltaScales    = "delta.scale"
	deltaValues    = "delta.values"
	maskPrefix     = "masks."
	levelsPrefix   = "levels."
	routerPrefix   = "router."
	maxFileTensors = 1 << 16
	maxFileScalars = tensorfile.MaxDecoded / 4 // what float32 weights of as many fit
	maxMagnitude   = 0x1p100                   // of a number: scale times code stays finite
)

// ExpertsFormat is the metadata "format" of an experts file.
const ExpertsFormat = "haguruma-experts/1"

// expertsHeader is the JSON of metaExperts.
type expertsHeader struct {
	Experts     int           `json:"experts"`
	Steps       int           `json:"steps"`
	Temperature float32       `json:"temperature,omitempty"`
	Router      *RouterConfig `json:"router,omitempty"`
	Routing     string        `json:"routing,omitempty"`
}

// routingFree is the header's routing of experts without a router that a task's examples choose.
const routingFree = "free"

type tensorHeader struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

// File returns the experts as a file: the delta where some mask is open, in int8 with one scale a row for tensors of two or more
// dimensions, one bit a scalar and expert, and the router. The delta is rounded by that; RoundDelta or Compact first makes it exact. metadata may be
// nil and is kept beside the format's own. What OpenExperts would refuse, such as numbers that are not finite, is an error that wraps
// ErrConfig.
func (e *Experts) File(metadata map[string]string) (*tensorfile.File, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	if err := checkNumbers("delta", e.Delta.Values(), ErrConfig); err != nil {
		return nil, err
	}
	if e.Router != nil {
		if e.Router.Spectral != nil {
			return nil, fmt.Errorf("sparse: router: its spectral normalization is not folded: %w", ErrConfig)
		}
		if err := checkNumbers("router", e.Router.Flat, ErrConfig); err != nil {
			return nil, err
		}
	}
	header := expertsHeader{Experts: len(e.Masks), Steps: e.Steps}
	if e.Free {
		header.Routing = routingFree
	}
	var names []tensorHeader
	at := 0
	for _, t := range e.Tensors {
		if t.Len() < 1 {
			return nil, fmt.Errorf("sparse: tensor %q: shape %v has no scalars: %w", t.Name, t.Shape, ErrConfig)
		}
		if t.Start != at {
			return nil, fmt.Errorf("sparse: tensor %q: want it at %d, behind the one before, have %d: %w", t.Name, at, t.Start, ErrConfig)
		}
		at += t.Len()
		names = append(names, tensorHeader{t.Name, t.Shape})
	}
	f := &tensorfile.File{Metadata: maps.Clone(metadata)}
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	codes, scales, values := e.packDelta()
	f.Tensors = append(f.Tensors, tensorfile.FromInt8(deltaCodes, []int{len(codes)}, codes), tensorfile.FromFloat32(deltaScales, []int{len(scales)}, scales),
		tensorfile.FromFloat32(deltaValues, []int{len(values)}, values))
	for m, mask := range e.Masks {
		packed := mask.bytes()
		f.Tensors = append(f.Tensors, tensorfile.Tensor{Name: fmt.Sprint(maskPrefix, m), DType: tensorfile.U8, Shape: []int{len(packed)}, Data: packed})
		if mask.Soft() {
			var levels []byte
			for i, v := range mask.levels {
				if mask.Open(i) {
					levels = append(levels, v)
				}
			}
			f.Tensors = append(f.Tensors, tensorfile.Tensor{Name: fmt.Sprint(levelsPrefix, m), DType: tensorfile.U8, Shape: []int{len(levels)}, Data: levels})
		}
	}
	if e.Router != nil {
		header.Router, header.Temperature = &e.Router.Config, e.Temperature
		f.Tensors = append(f.Tensors, e.packRouter()...)
	}
	for key, value := range map[string]any{metaExperts: header, metaTensors: names} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("sparse: metadata %q: %w: %w", key, err, ErrConfig)
		}
		f.Metadata[key] = string(text)
	}
	f.Metadata[metaFormat] = ExpertsFormat
	if e.Backbone != "" {
		f.Metadata[metaBackbone] = e.Backbone
	}
	return f, nil
}

// Save writes an experts file, zstd-framed when the name ends in .zst, beside its place, and renames it.
func (e *Experts) Save(path string, metadata map[string]string) error {
	f, err := e.File(metadata)
	if err != nil {
		return err
	}
	return tensorfile.Save(path, f)
}

// OpenExperts reads an experts file. Errors wrap ErrFormat, ErrConfig or tensorfile's sentinels and name the tensor. Nothing is allocated that
// the file's masks, one bit a scalar, do not pay for.
func OpenExperts(f *tensorfile.File) (*Experts, error) {
	if have := f.Metadata[metaFormat]; have != ExpertsFormat {
		return nil, fmt.Errorf("sparse: metadata %q: want %q, have %q: %w", metaFormat, ExpertsFormat, have, ErrFormat)
	}
	var header expertsHeader
	if err := plainjson.Read(f.Metadata[metaExperts], header.read); err != nil {
		return nil, fmt.Errorf("sparse: metadata %q: %w: %w", metaExperts, err, ErrFormat)
	}
	if header.Experts < 1 || header.Experts > maxExperts {
		return nil, fmt.Errorf("sparse: experts: want 1..%d, have %d: %w", maxExperts, header.Experts, ErrFormat)
	}
	if header.Routing != "" && header.Routing != routingFree {
		return nil, fmt.Errorf("sparse: routing: want %q or nothing, have %q: %w", routingFree, header.Routing, ErrFormat)
	}
	e := &Experts{Free: header.Routing == routingFree, Steps: header.Steps, Temperature: header.Temperature, Backbone: f.Metadata[metaBackbone]}
	n, err := e.readTensors(f.Metadata[metaTensors])
	if err != nil {
		return nil, err
	}
	known := 3
	for m := range header.Experts {
		mask, soft, err := readMask(f, m, n)
		if err != nil {
			return nil, err
		}
		known += 1 + soft
		e.Masks = append(e.Masks, mask)
	}
	if err := e.readDelta(f, n); err != nil {
		return nil, err
	}
	if header.Router != nil {
		count, err := e.readRouter(f, *header.Router)
		if err != nil {
			return nil, err
		}
		known += count
	}
	if known != len(f.Tensors) {
		return nil, fmt.Errorf("sparse: want %d tensors, have %d: %w", known, len(f.Tensors), ErrFormat)
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Experts) readTensors(text string) (n int, err error) {
	var names []tensorHeader
	if err := plainjson.Read(text, func(s *plainjson.Scanner) error { return readTensorHeaders(s, &names) }); err != nil {
		return 0, fmt.Errorf("sparse: metadata %q: %w: %w", metaTensors, err, ErrFormat)
	}
	if len(names) < 1 || len(names) > maxFileTensors {
		return 0, fmt.Errorf("sparse: metadata %q: want 1..%d tensors, have %d: %w", metaTensors, maxFileTensors, len(names), ErrFormat)
	}
	seen := map[string]bool{}
	for _, t := range names {
		if seen[t.Name] {
			return 0, fmt.Errorf("sparse: metadata %q: tensor %q is there twice: %w", metaTensors, t.Name, ErrFormat)
		}
		seen[t.Name] = true
		length := 1
		for _, s := range t.Shape {
			if s < 1 || s > maxFileScalars || length > maxFileScalars/s {
				return 0, fmt.Errorf("sparse: tensor %q: shape %v: %w", t.Name, t.Shape, ErrFormat)
			}
			length *= s
		}
		e.Tensors = append(e.Tensors, Tensor{Name: t.Name, Shape: t.Shape, Start: n})
		if n += length; n > maxFileScalars {
			return 0, fmt.Errorf("sparse: tensor %q: more than %d scalars: %w", t.Name, maxFileScalars, ErrFormat)
		}
	}
	return n, nil
}

func readMask(f *tensorfile.File, m, n int) (mask *Mask, soft int, err error) {
	name := fmt.Sprint(maskPrefix, m)
	t, ok := f.Tensor(name)
	if !ok {
		return nil, 0, fmt.Errorf("sparse: tensor %q: want %d bytes, have none: %w", name, (n+7)/8, ErrFormat)
	}
	if t.DType != tensorfile.U8 {
		return nil, 0, fmt.Errorf("sparse: tensor %q: want %s, have %s: %w", name, tensorfile.U8, t.DType, ErrFormat)
	}
	if mask, err = maskFromBytes(t.Data, n); err != nil {
		return nil, 0, fmt.Errorf("sparse: tensor %q: %w", name, err)
	}
	name = fmt.Sprint(levelsPrefix, m)
	if t, ok = f.Tensor(name); !ok {
		return mask, 0, nil
	}
	if open := mask.Count(0, n); t.DType != tensorfile.U8 || len(t.Data) != open {
		return nil, 0, fmt.Errorf("sparse: tensor %q: want %d bytes, have %d of %s: %w", name, open, len(t.Data), t.DType, ErrFormat)
	}
	mask.levels = make([]uint8, n)
	at := 0
	for w, word := range mask.bits {
		for ; word != 0; word &= word - 1 {
			level := t.Data[at]
			if level == 0 {
				return nil, 0, fmt.Errorf("sparse: tensor %q: an open gate with level 0: %w", name, ErrFormat)
			}
			mask.levels[64*w+bits.TrailingZeros64(word)] = level
			at++
		}
	}
	return mask, 1, nil
}

// readFloats reads a tensor of n finite numbers.
func readFloats(f *tensorfile.File, name string, n int) ([]float32, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("sparse: tensor %q: want %d numbers, have none: %w", name, n, ErrFormat)
	}
	x, err := t.Float32()
	if err != nil {
		return nil, fmt.Errorf("sparse: tensor %q: %w", name, err)
	}
	if len(x) != n {
		return nil, fmt.Errorf("sparse: tensor %q: want %d numbers, have %d: %w", name, n, len(x), ErrFormat)
	}
	return x, checkNumbers(name, x, ErrFormat)
}

// checkNumbers wraps kind when a number is not finite or too large to be multiplied by a code.
func checkNumbers(name string, x []float32, kind error) error {
	for i, v := range x {
		if !(math.Abs(float64(v)) <= maxMagnitude) {
			return fmt.Errorf("sparse: tensor %q: want numbers of at most 2^100, have %v at %d: %w", name, v, i, kind)
		}
	}
	return nil
}
