package metatune

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"haguruma/core/tensorfile"
)

const metaCheckpointFormat = "haguruma-metatune/1"

// metaProgress is the small part of a checkpoint.
type metaProgress struct {
	Update      int        `json:"update"`
	Worse       int        `json:"worse"`
	Nanoseconds int64      `json:"nanoseconds"`
	Lambda      []float64  `json:"lambda"`
	BestUpdate  int        `json:"bestUpdate"` // 0: none yet
	BestMean    float64    `json:"bestMean"`
	BestHeat    float32    `json:"bestHeat"`
	Pending     *MetaStats `json:"pending,omitempty"`
}

// identity is what a checkpoint and the run that goes on from it must agree on: everything but the length of the run's parts that may
// grow, and the weights it started from.
func (t *metaTuner) identity() string {
	c := t.cfg
	c.ValidateEvery, c.Patience, c.CheckpointEvery = 0, 0, 0
	return string(mustJSON(struct {
		Config MetaConfig
		Start  string
	}{c, tensorfile.Hash(tensorfile.FromFloat32("pre", []int{len(t.pre)}, t.pre).Data)}))
}

// vectors are all tensors of a checkpoint by name, in the order they are written.
func (t *metaTuner) vectors(visit func(name string, x []float32)) {
	visit("delta", t.delta)
	visit("delta.1", t.delta1)
	visit("delta.2", t.delta2)
	for m, la := range t.gates.LogAlpha {
		visit(fmt.Sprintf("logAlpha.%d", m), la)
		if t.gate1 != nil {
			visit(fmt.Sprintf("logAlpha.%d.1", m), t.gate1[m])
			visit(fmt.Sprintf("logAlpha.%d.2", m), t.gate2[m])
		}
	}
	if t.router != nil {
		visit("router", t.router.Flat)
		visit("router.1", t.router1)
		visit("router.2", t.router2)
	}
	if b := t.best; b != nil {
		visit("best.delta", b.delta)
		for m, la := range b.logAlpha {
			visit(fmt.Sprintf("best.logAlpha.%d", m), la)
		}
		if b.router != nil {
			visit("best.router", b.router)
		}
	}
}

// checkpoint writes the whole state beside the old one and renames. A state that is not finite is not written: it wraps ErrDiverged, and the
// last good checkpoint stays.
func (t *metaTuner) checkpoint() error {
	var err error
	t.vectors(func(name string, x []float32) {
		if i := notFinite(x); i >= 0 && err == nil {
			err = fmt.Errorf("metatune: update %d: %s is %v at %d: %w", t.update, name, x[i], i, ErrDiverged)
		}
	})
	if err != nil {
		return err
	}
	p := metaProgress{Update: t.update, Worse: t.worse, Nanoseconds: int64(t.spent), Lambda: t.lambda, Pending: t.pending}
	if t.best != nil {
		p.BestUpdate, p.BestMean, p.BestHeat = t.best.update, t.best.mean, t.best.temperature
	}
	f := &tensorfile.File{Metadata: map[string]string{"format": metaCheckpointFormat, "identity": t.identity(), "progress": string(mustJSON(p))}}
	t.vectors(func(name string, x []float32) {
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, []int{len(x)}, x))
	})
	return tensorfile.Save(filepath.Join(t.cfg.Out, checkpointFile), f)
}

// resume goes on from the checkpoint in cfg.Out, if there is one. It wraps ErrCheckpoint when that is another run's.
func (t *metaTuner) resume() error {
	path := filepath.Join(t.cfg.Out, checkpointFile)
	f, err := tensorfile.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if have := f.Metadata["format"]; have != metaCheckpointFormat {
		return fmt.Errorf("metatune: %s: want format %s, have %q: %w", path, metaCheckpointFormat, have, ErrCheckpoint)
	}
	if have, want := f.Metadata["identity"], t.identity(); have != want {
		return fmt.Errorf("metatune: %s: %s: %w", path, difference("", want, have), ErrCheckpoint)
	}
	var p metaProgress
	if err := json.Unmarshal([]byte(f.Metadata["progress"]), &p); err != nil || len(p.Lambda) != len(t.lambda) || p.Update < 0 {
		return fmt.Errorf("metatune: %s: metadata %q: %q: %w", path, "progress", f.Metadata["progress"], ErrCheckpoint)
	}
	if p.BestUpdate > 0 {
		t.best = t.snapshot(p.BestMean)
		t.best.update, t.best.temperature = p.BestUpdate, p.BestHeat
	}
	t.vectors(func(name string, dst []float32) {
		if err == nil {
			err = loadVector(f, path, name, dst)
		}
	})
	copy(t.lambda, p.Lambda)
	t.update, t.worse, t.spent, t.pending = p.Update, p.Worse, time.Duration(p.Nanoseconds), p.Pending
	t.temperature = t.temperatureAt(max(t.update-1, 0)) // of the last update, which is that of use when the run was over
	return err
}

// difference names the first field at which two JSON objects differ, for a person who gave the flags.
func difference(at, want, have string) string {
	var w, h map[string]json.RawMessage
	if json.Unmarshal([]byte(want), &w) != nil || json.Unmarshal([]byte(have), &h) != nil {
		return fmt.Sprintf("%s: want %s, have %.200s", at, want, have)
	}
	keys := maps.Clone(w)
	maps.Copy(keys, h)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if string(w[key]) != string(h[key]) {
			return difference(strings.TrimPrefix(at+"."+key, "."), cmp.Or(string(w[key]), "none"), cmp.Or(string(h[key]), "none"))
		}
	}
	return "written differently"
}
