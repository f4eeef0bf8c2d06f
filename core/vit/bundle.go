package vit

import (
	"fmt"
	"maps"

	"haguruma/core/quant"
	"haguruma/core/tensorfile"
)

// scaleSuffix follows the name of an int8 tensor in the name of its scales.
const scaleSuffix = "_scale"

// File returns the model as a bundle: int8 weights "x.weight" with float32 scales "x.weight_scale" (one an output
// channel), the rest float32, all in the fixed order of Params.Tensors; Metadata, config and format in the metadata.
func (m *Int8Model) File() *tensorfile.File {
	w := m.weights
	f := &tensorfile.File{Metadata: map[string]string{}}
	maps.Copy(f.Metadata, m.Metadata)
	f.Metadata[metaFormat] = formatBundle
	f.Metadata[metaConfig] = w.config.json()
	for i := range w.tensors {
		t := &w.tensors[i]
		if !t.quantized() {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32(t.Name, t.fileShape(), t.Data))
			continue
		}
		q := w.matrix[t.Name]
		f.Tensors = append(f.Tensors,
			tensorfile.FromInt8(t.Name, t.fileShape(), toFileOrder(t, q.Data)),
			tensorfile.FromFloat32(t.Name+scaleSuffix, []int{q.Rows}, q.Scale))
	}
	return f
}

// OpenInt8 reads a bundle that File made. Every tensor's name, type, shape and byte count is checked against the config
// before anything is allocated; tensors that the config does not know are refused.
//
// Errors wrap ErrConfig, tensorfile's sentinels or quant's and name the tensor.
func OpenInt8(f *tensorfile.File) (*Int8Model, error) {
	if have := f.Metadata[metaFormat]; have != formatBundle {
		return nil, fmt.Errorf("vit: metadata %q: want %q, have %q: %w", metaFormat, formatBundle, have, tensorfile.ErrFormat)
	}
	c, err := parseConfig(f.Metadata[metaConfig])
	if err != nil {
		return nil, err
	}
	if c.LayerScale != 0 {
		return nil, fmt.Errorf("vit: config: layerScale: want 0 in a bundle, have %v: %w", c.LayerScale, ErrConfig)
	}
	wanted, _ := list[float32](c)
	known := map[string]bool{}
	for i := range wanted {
		t := &wanted[i]
		known[t.Name] = true
		if !t.quantized() {
			if _, err := lookup(f, t.Name, t.fileShape(), "F32"); err != nil {
				return nil, err
			}
			continue
		}
		known[t.Name+scaleSuffix] = true
		if _, err := lookup(f, t.Name, t.fileShape(), "I8"); err != nil {
			return nil, err
		}
		if _, err := lookup(f, t.Name+scaleSuffix, t.Shape[:1], "F32"); err != nil {
			return nil, err
		}
	}
	if err := refuseUnknown(f, known, nil); err != nil {
		return nil, err
	}

	matrices, vectors := map[string]*quant.Matrix{}, map[string][]float32{}
	for i := range wanted {
		t := &wanted[i]
		if !t.quantized() {
			source, _ := f.Tensor(t.Name)
			if vectors[t.Name], err = finite(source); err != nil {
				return nil, err
			}
			continue
		}
		if matrices[t.Name], err = readMatrix(f, t); err != nil {
			return nil, err
		}
	}
	m := newInt8(c, matrices, vectors)
	m.Metadata = maps.Clone(f.Metadata)
	delete(m.Metadata, metaConfig)
	delete(m.Metadata, metaFormat)
	return m, nil
}

// readMatrix reads an int8 tensor and its scales; both were looked up before.
func readMatrix(f *tensorfile.File, t *Tensor[float32]) (*quant.Matrix, error) {
	source, _ := f.Tensor(t.Name)
	data, err := source.Int8()
	if err != nil {
		return nil, fmt.Errorf("vit: tensor %q: %w", t.Name, err)
	}
	source, _ = f.Tensor(t.Name + scaleSuffix)
	scale, err := source.Float32()
	if err != nil {
		return nil, fmt.Errorf("vit: tensor %q: %w", source.Name, err)
	}
	rows, cols := t.matrixShape()
	q, err := quant.FromInt8(fromFileOrder(t, data), scale, rows, cols)
	if err != nil {
		return nil, fmt.Errorf("vit: tensor %q: %w", t.Name, err)
	}
	return q, nil
}
