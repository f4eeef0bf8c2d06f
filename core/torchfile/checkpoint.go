package torchfile

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/nlpodyssey/gopickle/types"

	"haguruma/core/tensorfile"
)

// Checkpoint is an open file of torch.save. The reader it was made from must
// stay open while it is used.
type Checkpoint struct {
	dicts []stateDict
	// read fills a storage's data.
	read func(*storage) error
	// size of the file: what a reader may take in copies.
	size int64
}

// stateDict is a dictionary of tensors by their names.
type stateDict struct {
	key     string
	names   []string
	tensors []*tensor
}

// New reads the structure of a file of torch.save, but no tensor yet.
//
// A file that is a state dict has one under the key "". A training checkpoint
// is a dictionary that holds some: DINO's have student and teacher, timm's
// state_dict, DeiT's model.
func New(r io.ReaderAt, size int64) (*Checkpoint, error) {
	head := make([]byte, min(size, 4))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("torchfile: %w", err)
	}
	c := &Checkpoint{size: size}
	var root any
	var err error
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		root, err = c.openZip(r)
	case bytes.HasPrefix(head, []byte{0x80, 2}):
		root, err = c.openLegacy(r)
	default:
		err = fmt.Errorf("torchfile: want a file of torch.save (zip or pickle), have one that begins with %q: %w", head, tensorfile.ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	if err := c.find(root); err != nil {
		return nil, err
	}
	return c, nil
}

// Is tells by a file's first bytes whether New could read it.
func Is(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte{0x80, 2})
}

// Keys returns the keys of the state dicts, in the order of the file.
func (c *Checkpoint) Keys() []string {
	var keys []string
	for _, d := range c.dicts {
		keys = append(keys, d.key)
	}
	return keys
}

// entries lists what a dictionary of a pickle holds under text keys.
func entries(value any, visit func(key string, value any)) bool {
	switch dict := value.(type) {
	case *types.OrderedDict:
		for e := dict.List.Front(); e != nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			if key, ok := entry.Key.(string); ok {
				visit(key, entry.Value)
			}
		}
		return true
	case *types.Dict:
		for _, entry := range *dict {
			if key, ok := entry.Key.(string); ok {
				visit(key, entry.Value)
			}
		}
		return true
	}
	return false
}

// find collects the state dicts: the root itself, or the dictionaries in it.
func (c *Checkpoint) find(root any) error {
	add := func(key string, value any) bool {
		d := stateDict{key: key}
		isDict := entries(value, func(name string, value any) {
			if t, ok := value.(*tensor); ok {
				d.names, d.tensors = append(d.names, name), append(d.tensors, t)
			}
		})
		if len(d.names) > 0 {
			c.dicts = append(c.dicts, d)
		}
		return isDict
	}
	if !add("", root) {
		if object, ok := root.(*opaque); ok {
			return fmt.Errorf("torchfile: the file holds a whole %s: want torch.save(model.state_dict(), ...): %w", clip(object.class), tensorfile.ErrFormat)
		}
		return fmt.Errorf("torchfile: want a dictionary of tensors, have a %T: %w", root, tensorfile.ErrFormat)
	}
	entries(root, func(key string, value any) { add(key, value) })
	if len(c.dicts) == 0 {
		return fmt.Errorf("torchfile: want tensors, have a dictionary without any: %w", tensorfile.ErrFormat)
	}
	return nil
}

// StateDict reads the tensors under one of Keys, in the order of the file.
// Tensors that are views of one storage share its memory. A dtype that
// tensorfile does not know (F64, I16, BOOL) keeps its name and its bytes.
func (c *Checkpoint) StateDict(key string) (*tensorfile.File, error) {
	at := slices.IndexFunc(c.dicts, func(d stateDict) bool { return d.key == key })
	if at < 0 {
		return nil, fmt.Errorf("torchfile: state dict %q: want one of %q: %w", clip(key), c.Keys(), tensorfile.ErrFormat)
	}
	d := &c.dicts[at]
	f := &tensorfile.File{Tensors: make([]tensorfile.Tensor, 0, len(d.names))}
	seen := make(map[string]bool, len(d.names))
	copied := int64(0)
	for i, t := range d.tensors {
		name := d.names[i]
		if seen[name] {
			return nil, fmt.Errorf("torchfile: tensor %q: %w", clip(name), tensorfile.ErrDuplicate)
		}
		seen[name] = true
		data, fresh, err := c.elements(t)
		if err == nil && fresh {
			// Views that are no run of their storage are copied; a few bytes of pickle could ask for many copies.
			if copied += int64(len(data)); copied > c.size {
				err = fmt.Errorf("%d bytes of transposed tensors in a file of %d: %w", copied, c.size, tensorfile.ErrTooLarge)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("torchfile: tensor %q: %w", clip(name), err)
		}
		f.Tensors = append(f.Tensors, tensorfile.Tensor{Name: name, DType: t.storage.dtype, Shape: slices.Clone(t.size), Data: data})
	}
	return f, nil
}

// storages makes the loader of persistent ids: one storage for each key,
// whatever number of tensors it has.
func storages(all map[string]*storage) func(id any) (any, error) {
	return func(id any) (any, error) {
		tuple, ok := id.(*types.Tuple)
		if !ok || tuple.Len() < 5 {
			return nil, fmt.Errorf("persistent id: want a tuple of 5, have %T", id)
		}
		kind, _ := tuple.Get(0).(string)
		class, isStorage := tuple.Get(1).(storageType)
		key, isKey := tuple.Get(2).(string)
		elements, isCount := tuple.Get(4).(int)
		if kind != "storage" || !isStorage || !isKey || !isCount || elements < 0 {
			return nil, fmt.Errorf("persistent id: want (storage, class, key, place, elements), have (%T %T %T %T)", tuple.Get(0), tuple.Get(1), tuple.Get(2), tuple.Get(4))
		}
		if tuple.Len() > 5 && tuple.Get(5) != nil {
			return nil, fmt.Errorf("storage %s is a view of another", clip(key))
		}
		if s, known := all[key]; known {
			if s.dtype != class.dtype || s.elements != elements {
				return nil, fmt.Errorf("storage %s is %d x %s and %d x %s", clip(key), s.elements, s.dtype, elements, class.dtype)
			}
			return s, nil
		}
		s := &storage{key: key, dtype: class.dtype, elements: elements}
		all[key] = s
		return s, nil
	}
}

// readPickle runs the pickle at the start of data and returns its length.
func readPickle(data []byte, load func(id any) (any, error)) (value any, length int, err error) {
	if length, err = scan(data); err != nil {
		return nil, 0, err
	}
	value, err = unpickle(data[:length], load)
	return value, length, err
}

func noStorage(any) (any, error) { return nil, fmt.Errorf("a tensor where none belongs") }
