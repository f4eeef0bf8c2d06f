package torchfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"

	"github.com/nlpodyssey/gopickle/types"

	"haguruma/core/tensorfile"
)

// littleEndian refuses files of big-endian machines, whose tensors would be
// read wrong.
func littleEndian(is bool) error {
	if is {
		return nil
	}
	return fmt.Errorf("torchfile: big-endian tensors: %w", tensorfile.ErrFormat)
}

// loadAt returns a reader of storages that lie in r at the places given.
func loadAt(r io.ReaderAt, places map[string]int64) func(*storage) error {
	return func(s *storage) error {
		at, ok := places[s.key]
		if !ok {
			return fmt.Errorf("storage %s: have none: %w", clip(s.key), tensorfile.ErrTruncated)
		}
		data := make([]byte, s.elements*itemSize(s.dtype)) // inside the file: openLegacy has checked
		if _, err := r.ReadAt(data, at); err != nil && err != io.EOF {
			return err
		}
		s.data = data
		return nil
	}
}

// openLegacy reads the form before torch 1.6: the pickles of a number, a
// version, the machine, the object and the keys of its storages, then the
// storages, each after its number of elements.
// Source: torch/serialization.py, _legacy_save.
func (c *Checkpoint) openLegacy(r io.ReaderAt) (root any, err error) {
	head := make([]byte, min(c.size, maxPickle))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("torchfile: %w", err)
	}
	all := map[string]*storage{}
	var parts [5]any
	at := 0
	for i := range parts {
		load := noStorage
		if i == 3 {
			load = storages(all)
		}
		value, length, err := readPickle(head[at:], load)
		if err != nil {
			return nil, err
		}
		parts[i] = value
		at += length
	}
	// Values of a pickle are never printed: a dictionary may hold itself.
	if number, ok := parts[0].(*big.Int); !ok || number.Text(16) != "1950a86a20f9469cfc6c" {
		return nil, fmt.Errorf("torchfile: want the number 1950a86a20f9469cfc6c of torch.save first: %w", tensorfile.ErrFormat)
	}
	if version, ok := parts[1].(int); !ok || version != 1001 {
		return nil, fmt.Errorf("torchfile: want protocol 1001: %w", tensorfile.ErrFormat)
	}
	little := true
	entries(parts[2], func(key string, value any) {
		if flag, ok := value.(bool); ok && key == "little_endian" {
			little = flag
		}
	})
	if err := littleEndian(little); err != nil {
		return nil, err
	}
	keys, ok := parts[4].(*types.List)
	if !ok {
		return nil, fmt.Errorf("torchfile: want a list of storages, have a %T: %w", parts[4], tensorfile.ErrFormat)
	}
	places, place := map[string]int64{}, int64(at)
	for _, item := range *keys {
		key, _ := item.(string)
		s, known := all[key]
		if !known {
			return nil, fmt.Errorf("torchfile: storage %q: no tensor has it: %w", clip(key), tensorfile.ErrFormat)
		}
		var count [8]byte
		if _, err := r.ReadAt(count[:], place); err != nil {
			return nil, fmt.Errorf("torchfile: storage %q at %d of %d: %w", clip(key), place, c.size, tensorfile.ErrTruncated)
		}
		if have := binary.LittleEndian.Uint64(count[:]); have != uint64(s.elements) {
			return nil, fmt.Errorf("torchfile: storage %q: want %d elements, have %d: %w", clip(key), s.elements, have, tensorfile.ErrShape)
		}
		place += 8
		width := int64(itemSize(s.dtype))
		if int64(s.elements) > (c.size-place)/width {
			return nil, fmt.Errorf("torchfile: storage %q: want %d elements at %d, have %d bytes: %w", clip(key), s.elements, place, c.size-place, tensorfile.ErrTruncated)
		}
		places[key] = place
		place += int64(s.elements) * width
	}
	c.read = loadAt(r, places)
	return parts[3], nil
}
