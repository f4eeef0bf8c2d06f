package adapter

import (
	"fmt"
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
	for i := range f.Tensors {
		t := f.Tensors[i]
		switch t.Name {
		case tensorScores, tensorWeight, tensorBias, tensorKnown:
			continue
		}
		name, ok := strings.CutPrefix(t.Name, changePrefix)
		if !ok {
			return fmt.Errorf("adapter: tensor %q is not one of ours: %w", clip(t.Name), ErrFormat)
		}
		t.Name = name
		a.Change = append(a.Change, t)
	}
	change := a.Change
	a.Change = nil
	for _, i := range tensorfile.Order(len(change), func(i, j int) int { return strings.Compare(change[i].Name, change[j].Name) }) {
		a.Change = append(a.Change, change[i])
	}
	var err error
	if a.Head.Weight, a.Head.Dim, err = matrix(f, tensorWeight); err != nil {
		return err
	}
	if _, ok := f.Tensor(tensorKnown); ok {
		if a.Unknown == nil {
			return fmt.Errorf("adapter: tensor %q without the metadata %q: %w", tensorKnown, metaUnknown, ErrFormat)
		}
		dim := 0
		if a.Unknown.Prototypes, dim, err = matrix(f, tensorKnown); err == nil && dim != a.Head.Dim {
			err = fmt.Errorf("adapter: tensor %q: want rows of %d, have %d: %w", tensorKnown, a.Head.Dim, dim, ErrFormat)
		}
		if err != nil {
			return err
		}
	}
	if a.Head.Bias, err = floats(f, tensorBias); err != nil {
		return err
	}
	if _, ok := f.Tensor(tensorScores); ok {
		a.Scores, err = floats(f, tensorScores)
	}
	return err
}

// matrix reads a float32 matrix and the length of its rows.
func matrix(f *tensorfile.File, name string) (x []float32, dim int, err error) {
	t, err := vector(f, name, tensorfile.F32, 2)
	if err != nil {
		return nil, 0, err
	}
	x, err = t.Float32()
	return x, t.Shape[1], err
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
