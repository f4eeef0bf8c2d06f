package adapter

import (
	"fmt"
	"slices"
	"strings"

	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

// maxPacked is how many times its size a zstd frame may unpack to: adapters hardly shrink, so what does is something else.
const maxPacked = 32

// Decode reads a file, plain or zstd. It holds the content to its sum, and not to its signature: see [Adapter.Trust]. The errors wrap
// ErrFormat, ErrNumbers, ErrTooLarge, ErrEdited, or those of tensorfile.Decode, ErrTruncated among them.
func Decode(data []byte) (*Adapter, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("adapter: want at most %d bytes, have %d: %w", MaxBytes, len(data), ErrTooLarge)
	}
	f, err := tensorfile.DecodeLimit(data, min(MaxBytes, maxPacked*len(data)))
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	if have := f.Metadata[metaFormat]; have != Format {
		return nil, fmt.Errorf("adapter: metadata %q: want %q, have %q: %w", metaFormat, Format, clip(have), ErrFormat)
	}
	a := &Adapter{}
	for _, key := range []string{metaBundle, metaHead, metaClasses, metaPictures, metaProvenance, metaContent} {
		if _, ok := f.Metadata[key]; !ok {
			return nil, fmt.Errorf("adapter: metadata %q is missing: %w", key, ErrFormat)
		}
	}
	for key, value := range f.Metadata {
		if err := a.readText(key, value); err != nil {
			return nil, err
		}
	}
	if err := a.readTensors(f); err != nil {
		return nil, err
	}
	// The sum is of what was understood, written anew: white space in the header is nobody's content.
	_, content, err := a.file()
	if err != nil {
		return nil, err
	}
	if content != a.Content {
		return nil, fmt.Errorf("adapter: want content with sha256 %s, have %s: %w", clip(a.Content), content, ErrEdited)
	}
	return a, nil
}

// readText reads the value of one metadata key.
func (a *Adapter) readText(key, value string) error {
	var read func(s *plainjson.Scanner) error
	switch key {
	case metaFormat:
		return nil
	case metaBundle:
		a.Bundle = value
		return nil
	case metaExperts:
		a.Experts = value
		return nil
	case metaContent:
		a.Content = value
		return nil
	case metaHead:
		read = a.Head.read
	case metaClasses:
		read = a.readClasses
	case metaUnknown:
		a.Unknown = &Unknown{}
		read = a.Unknown.read
	case metaPictures:
		read = a.Pictures.read
	case metaProvenance:
		read = a.Provenance.read
	case metaSignature:
		a.Signature = &Signature{}
		read = a.Signature.read
	default:
		return fmt.Errorf("adapter: metadata %q is not one of ours: %w", clip(key), ErrFormat)
	}
	if err := plainjson.Read(value, read); err != nil {
		return fmt.Errorf("adapter: metadata %q: %v: %w", key, err, ErrFormat)
	}
	return nil
}

func (a *Adapter) readTensors(f *tensorfile.File) error {
	parts := map[string]map[string]*tensorfile.Tensor{}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.Name == tensorScores || t.Name == tensorWeight || t.Name == tensorBias {
			continue
		}
		name, suffix, ok := changed(t.Name)
		if !ok {
			return fmt.Errorf("adapter: tensor %q is not one of ours: %w", clip(t.Name), ErrFormat)
		}
		if parts[name] == nil {
			parts[name] = map[string]*tensorfile.Tensor{}
		}
		parts[name][suffix] = t
	}
	weight, err := vector(f, tensorWeight, tensorfile.F32, 2)
	if err != nil {
		return err
	}
	a.Head.Dim = weight.Shape[1]
	if a.Head.Weight, err = weight.Float32(); err != nil {
		return err
	}
	if a.Head.Bias, err = floats(f, tensorBias); err != nil {
		return err
	}
	if _, ok := f.Tensor(tensorScores); ok {
		if a.Scores, err = floats(f, tensorScores); err != nil {
			return err
		}
	}
	for name, part := range parts {
		c, err := readChange(name, part)
		if err != nil {
			return err
		}
		a.Changes = append(a.Changes, c)
	}
	slices.SortFunc(a.Changes, func(x, y Change) int { return strings.Compare(x.Tensor, y.Tensor) })
	return nil
}

// vector finds a tensor of that type and rank.
func vector(f *tensorfile.File, name string, dtype tensorfile.DType, rank int) (*tensorfile.Tensor, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("adapter: tensor %q is missing: %w", clip(name), ErrFormat)
	}
	if t.DType != dtype || len(t.Shape) != rank {
		return nil, fmt.Errorf("adapter: tensor %q: want %s of %d dimensions, have %s of %d: %w", clip(name), dtype, rank, t.DType, len(t.Shape), ErrFormat)
	}
	return t, nil
}

func floats(f *tensorfile.File, name string) ([]float32, error) {
	t, err := vector(f, name, tensorfile.F32, 1)
	if err != nil {
		return nil, err
	}
	return t.Float32()
}

// readChange puts the parts of a change together.
func readChange(tensor string, parts map[string]*tensorfile.Tensor) (Change, error) {
	c, f := Change{Tensor: tensor}, &tensorfile.File{}
	for _, t := range parts {
		f.Tensors = append(f.Tensors, *t)
	}
	name := changePrefix + tensor
	at, err := vector(f, name+suffixAt, tensorfile.U8, 1)
	if err != nil {
		return c, err
	}
	want := 2
	if _, ok := f.Tensor(name + suffixValues); ok {
		if c.Values, err = floats(f, name+suffixValues); err != nil {
			return c, err
		}
	} else {
		want = 3
		codes, err := vector(f, name+suffixCodes, tensorfile.I8, 1)
		if err != nil {
			return c, err
		}
		scale, err := vector(f, name+suffixScale, tensorfile.F32, 0)
		if err != nil {
			return c, err
		}
		one, err := scale.Float32()
		if err != nil {
			return c, err
		}
		c.Scale = one[0]
		if c.Codes, err = codes.Int8(); err != nil {
			return c, err
		}
	}
	if len(parts) != want {
		return c, fmt.Errorf("adapter: change of %q: want codes with a scale, or values: %w", clip(tensor), ErrFormat)
	}
	c.At, err = unpackPlaces(tensor, at.Data, len(c.Codes)+len(c.Values))
	return c, err
}
