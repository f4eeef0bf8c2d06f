package torchfile

import (
	"fmt"
	"slices"

	"haguruma/core/tensorfile"
)

// elements returns the bytes of a tensor in row-major order: a part of its
// storage, or a fresh copy when its strides are others.
func (c *Checkpoint) elements(t *tensor) (data []byte, fresh bool, err error) {
	s := t.storage
	if len(t.size) != len(t.stride) || len(t.size) > maxRank {
		return nil, false, fmt.Errorf("want as many strides as dimensions, up to %d, have %d and %d: %w", maxRank, len(t.stride), len(t.size), tensorfile.ErrShape)
	}
	if len(t.size) > 0 && slices.Min(t.size) == 0 {
		return nil, false, nil
	}
	// Every index is below s.elements, which the file has, so no sum overflows once that is checked step by step.
	n, last, contiguous := 1, t.offset, true
	if t.offset < 0 || t.offset > s.elements {
		return nil, false, fmt.Errorf("want an offset up to %d, have %d: %w", s.elements, t.offset, tensorfile.ErrShape)
	}
	for i := len(t.size) - 1; i >= 0; i-- {
		size, stride := t.size[i], t.stride[i]
		if size < 1 || stride < 0 || size > s.elements {
			return nil, false, fmt.Errorf("shape %v with strides %v does not fit a storage of %d elements: %w", t.size, t.stride, s.elements, tensorfile.ErrShape)
		}
		if size > 1 {
			contiguous = contiguous && stride == n
			if stride > 0 && size-1 > (s.elements-last)/stride {
				return nil, false, fmt.Errorf("shape %v with strides %v at %d runs past the %d elements of its storage: %w", t.size, t.stride, t.offset, s.elements, tensorfile.ErrShape)
			}
			last += (size - 1) * stride
		}
		if n > s.elements/size { // more elements than the storage: one element seen many times
			return nil, false, fmt.Errorf("shape %v has more elements than its storage, %d: %w", t.size, s.elements, tensorfile.ErrShape)
		}
		n *= size
	}
	if last >= s.elements {
		return nil, false, fmt.Errorf("shape %v with strides %v at %d runs past the %d elements of its storage: %w", t.size, t.stride, t.offset, s.elements, tensorfile.ErrShape)
	}
	if s.data == nil {
		if err := c.read(s); err != nil {
			return nil, false, err
		}
	}
	width := itemSize(s.dtype)
	if contiguous {
		return s.data[t.offset*width : (t.offset+n)*width : (t.offset+n)*width], false, nil
	}
	data = make([]byte, 0, n*width)
	index := make([]int, len(t.size))
	for range n {
		at := t.offset
		for i, v := range index {
			at += v * t.stride[i]
		}
		data = append(data, s.data[at*width:(at+1)*width]...)
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < t.size[i] {
				break
			}
			index[i] = 0
		}
	}
	return data, true, nil
}

// maxRank is the most dimensions a tensor may have; those of weights are 4.
const maxRank = 32
