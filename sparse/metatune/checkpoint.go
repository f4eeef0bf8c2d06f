package metatune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// Files that Pretrain leaves in PretrainConfig.Out.
const (
	checkpointFile = "checkpoint.safetensors"
	WeightsFile    = "weights.safetensors"
)

const checkpointFormat = "haguruma-pretrain/1"

// ErrCheckpoint is wrapped when a checkpoint does not belong to the config
// that should go on from it.
var ErrCheckpoint = errors.New("checkpoint of another run")

// identity is what must agree between a checkpoint and the config that
// resumes it; the length, the learning rate and the stages may change.
func (t *trainer) identity() string {
	c := t.cfg
	b, err := json.Marshal(struct {
		Model     any
		Sets      []string
		Optimizer string
		Seed      uint64
		Start     string  `json:",omitempty"`
		Levels    int     `json:",omitempty"`
		Bits      float64 `json:",omitempty"`
	}{c.Model, setNames(c.Sets), c.Optimizer, c.Seed, t.start, c.Levels, c.Bits})
	if err != nil {
		panic("metatune: identity: " + err.Error())
	}
	return string(b)
}

func setNames(sets []Set) []string {
	var names []string
	for _, s := range sets {
		names = append(names, s.Name)
	}
	return names
}

// checkpoint writes the whole state beside the old one and renames.
func (t *trainer) checkpoint() error {
	f := &tensorfile.File{Metadata: map[string]string{
		"format": checkpointFormat, "identity": t.identity(),
		"step": fmt.Sprint(t.step), "optimizerSteps": fmt.Sprint(t.opt.steps), "nanoseconds": fmt.Sprint(int64(t.spent)),
	}}
	add := func(name string, x []float32) {
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, []int{len(x)}, x))
	}
	add("flat", t.params.Flat)
	add("m", t.opt.m)
	add("v", t.opt.v)
	for i, h := range t.heads {
		name := "head." + t.sets[i].Name
		add(name, h.w)
		add(name+".m", h.m)
		add(name+".v", h.v)
		f.Metadata[name+".steps"] = fmt.Sprint(h.steps)
	}
	return tensorfile.Save(filepath.Join(t.cfg.Out, checkpointFile), f)
}

// openCheckpoint reads the checkpoint of cfg.Out, nil if there is none, and
// holds it to the identity of the run.
func openCheckpoint(cfg PretrainConfig, identity string) (*tensorfile.File, error) {
	path := filepath.Join(cfg.Out, checkpointFile)
	f, err := tensorfile.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f.Metadata["format"] != checkpointFormat {
		return nil, fmt.Errorf("metatune: %s: want format %s, have %q: %w", path, checkpointFormat, f.Metadata["format"], ErrCheckpoint)
	}
	if have := f.Metadata["identity"]; have != identity {
		return nil, fmt.Errorf("metatune: %s: want %s, have %s: %w", path, identity, have, ErrCheckpoint)
	}
	return f, nil
}

// resume goes on from what openCheckpoint read.
func (t *trainer) resume(f *tensorfile.File) error {
	if f == nil {
		return nil
	}
	path := filepath.Join(t.cfg.Out, checkpointFile)
	var err error
	load := func(name string, dst []float32) {
		if err == nil {
			err = loadVector(f, path, name, dst)
		}
	}
	number := func(name string) (n int64) {
		if err == nil {
			if _, e := fmt.Sscan(f.Metadata[name], &n); e != nil || n < 0 {
				err = fmt.Errorf("metatune: %s: metadata %q: want a number, have %q: %w", path, name, f.Metadata[name], ErrCheckpoint)
			}
		}
		return n
	}
	load("flat", t.params.Flat)
	load("m", t.opt.m)
	load("v", t.opt.v)
	for i, h := range t.heads {
		name := "head." + t.sets[i].Name
		load(name, h.w)
		load(name+".m", h.m)
		load(name+".v", h.v)
		h.steps = int(number(name + ".steps"))
	}
	t.step = int(number("step"))
	t.opt.steps = int(number("optimizerSteps"))
	t.spent = time.Duration(number("nanoseconds"))
	return err
}

// finish writes the checkpoint, the weights alone, the int8 bundle and the
// plots.
func (t *trainer) finish(log *runLog) error {
	if err := t.checkpoint(); err != nil {
		return err
	}
	f := t.weights().File()
	f.Metadata["pretrain"] = string(mustJSON(t.cfg))
	f.Metadata["seconds"] = fmt.Sprintf("%.0f", t.spent.Seconds())
	if t.coarse != nil {
		f.Metadata["start"] = t.start
	}
	if err := tensorfile.Save(filepath.Join(t.cfg.Out, WeightsFile), f); err != nil {
		return err
	}
	if _, err := manifest.Write(t.cfg.Out, "bundle", vit.NewInt8(t.weights()), HowMade(f.Metadata)); err != nil {
		return err
	}
	return log.plot(t.cfg.Out)
}

// HowMade is what the metadata of weights.safetensors say of how they were made: what goes into a bundle of them.
func HowMade(metadata map[string]string) map[string]string {
	made := map[string]string{}
	for _, key := range []string{"pretrain", "start", "seconds"} {
		if value := metadata[key]; value != "" {
			made[key] = value
		}
	}
	return made
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("metatune: " + err.Error())
	}
	return b
}

// writeFile writes beside the place, in a folder that it makes, and renames.
func writeFile(dir, name string, data []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return tensorfile.WriteFile(filepath.Join(dir, name), data)
}

// loadVector copies a tensor of a checkpoint to dst; it wraps ErrCheckpoint when there is none of that length.
func loadVector(f *tensorfile.File, path, name string, dst []float32) error {
	tensor, ok := f.Tensor(name)
	if !ok {
		return fmt.Errorf("metatune: %s: tensor %q is missing: %w", path, name, ErrCheckpoint)
	}
	x, err := tensor.Float32()
	if err == nil && len(x) != len(dst) {
		err = fmt.Errorf("metatune: %s: tensor %q: want %d values, have %d: %w", path, name, len(dst), len(x), ErrCheckpoint)
	}
	copy(dst, x)
	return err
}
