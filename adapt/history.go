package adapt

import (
	"fmt"
	"slices"
)

// take numbers a version, keeps it and takes it into use.
func (t *Task) take(v *Version) {
	t.lastID.version++
	v.Number, v.Parent = t.lastID.version, 0
	if t.inUse != nil {
		v.Parent = t.inUse.Number
	}
	t.versions = append(t.versions, v)
	t.inUse, t.forward = v, nil
}

// History lists the versions there are by rising number. Version 0 is the backbone without an adaptation. None is ever changed, and none is dropped but
// by ForgetHistory.
func (t *Task) History() []*Version { return slices.Clone(t.versions) }

// Version returns what is in use; nil at version 0.
func (t *Task) Version() *Version { return t.inUse }

// Use takes an earlier or later version into use, at once: 0 is the backbone without an adaptation. It answers as it did, bit for bit; the
// names of classes are those of now where they are still there. Examples and classes of the task stay. ErrUnknownVersion: no such number.
func (t *Task) Use(number int) error {
	v, err := t.version(number)
	if err != nil {
		return err
	}
	if v != t.inUse {
		t.inUse, t.forward = v, nil
	}
	return nil
}

// Back takes the version into use that was in use when the present one was made. ErrUnknownVersion: version 0 is
// in use, or that one was forgotten.
func (t *Task) Back() error {
	if t.inUse == nil {
		return &Error{Code: CodeUnknownVersion, Message: "there is no version before the backbone alone"}
	}
	v, err := t.version(t.inUse.Parent)
	if err == nil {
		t.inUse, t.forward = v, append(t.forward, t.inUse)
	}
	return err
}

// Forward undoes the last Back, until something else is taken into use. ErrUnknownVersion: there is none.
func (t *Task) Forward() error {
	n := len(t.forward)
	if n == 0 {
		return &Error{Code: CodeUnknownVersion, Message: "there is no version to go forward to"}
	}
	t.inUse, t.forward = t.forward[n-1], t.forward[:n-1]
	return nil
}

// ForgetHistory drops all versions but the one in use; numbers go on. A version is as large as its head and the embeddings of its examples by its weights.
func (t *Task) ForgetHistory() {
	t.versions, t.forward = nil, nil
	if t.inUse != nil {
		t.versions = []*Version{t.inUse}
	}
	var used *weights
	if t.inUse != nil && t.inUse.Merged != nil {
		used = t.inUse.Merged.weights
	}
	t.merged = slices.DeleteFunc(t.merged, func(w *weights) bool {
		if w != used {
			w.embedder = nil // what is in use may have been tuned from it
		}
		return w != used
	})
	for _, x := range t.examples {
		for w := range x.byWeights {
			if w != used {
				delete(x.byWeights, w)
			}
		}
	}
}

func (t *Task) version(number int) (*Version, error) {
	if number == 0 {
		return nil, nil
	}
	low, high := 0, len(t.versions)
	for low < high {
		if middle := (low + high) / 2; t.versions[middle].Number < number {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(t.versions) || t.versions[low].Number != number {
		return nil, &Error{Code: CodeUnknownVersion, Message: fmt.Sprintf("there is no version %d; the last is %d", number, t.lastID.version)}
	}
	return t.versions[low], nil
}
