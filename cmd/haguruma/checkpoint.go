package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"haguruma/core/tensorfile"
	"haguruma/core/torchfile"
	"haguruma/core/vit"
)

// importError is a checkpoint that cannot be imported; it is an errImport.
type importError struct{ error }

func (e importError) Unwrap() error      { return e.error }
func (importError) Is(target error) bool { return target == errImport }

var errImport = errors.New("not a checkpoint that can be imported")

// checkpointFile is a checkpoint of another project, read.
type checkpointFile struct {
	path string // the file, where a folder was given
	hash string
	key  string
	file *tensorfile.File
}

// usualFiles are the names of weights in a folder from Hugging Face.
var usualFiles = []string{"model.safetensors", "pytorch_model.bin"}

// usualKeys are the state dicts of training checkpoints, the best first: averaged weights before those that were
// averaged, and what a program wraps before what it wraps it in.
var usualKeys = []string{"teacher", "state_dict_ema", "model_ema", "state_dict", "model", "student", ""}

// readCheckpoint reads a safetensors file or one of PyTorch, told by the first bytes. key chooses a state dict of the latter.
func readCheckpoint(path, key string) (*checkpointFile, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		at := slices.IndexFunc(usualFiles, func(name string) bool {
			_, err := os.Stat(filepath.Join(path, name))
			return err == nil
		})
		if at < 0 {
			return nil, importError{fmt.Errorf("%s: want %s or %s in the folder, have neither", path, usualFiles[0], usualFiles[1])}
		}
		path = filepath.Join(path, usualFiles[at])
	} else if !info.Mode().IsRegular() {
		return nil, importError{fmt.Errorf("%s: want a regular file or a folder, have a device or a pipe", path)}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return nil, err
	}
	c := &checkpointFile{path: path, hash: hex.EncodeToString(hash.Sum(nil)), key: key}
	head := make([]byte, min(size, 4))
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, err
	}
	if !torchfile.Is(head) {
		if key != "" {
			return nil, usagef("--key %s: %s is no file of PyTorch", key, path)
		}
		if c.file, err = tensorfile.Load(path); err != nil {
			return nil, importError{err}
		}
		return c, nil
	}
	torch, err := torchfile.New(file, size)
	if err == nil {
		if c.key == "" {
			at := slices.IndexFunc(usualKeys, func(key string) bool { return slices.Contains(torch.Keys(), key) })
			if at < 0 {
				return nil, importError{fmt.Errorf("%s: want --key with one of its state dicts %q", path, torch.Keys())}
			}
			c.key = usualKeys[at]
		}
		c.file, err = torch.StateDict(c.key)
	}
	if err != nil {
		return nil, importError{fmt.Errorf("%s: %w", path, err)}
	}
	return c, nil
}

// hintsBeside reads the JSON files that Hugging Face and timm put beside weights, those there are.
func hintsBeside(path string) ([]vit.Hint, error) {
	var hints []vit.Hint
	for _, name := range []string{"config.json", "preprocessor_config.json"} {
		full := filepath.Join(filepath.Dir(path), name)
		text, err := tensorfile.ReadFile(full, maxText)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, importError{err}
		}
		hints = append(hints, vit.Hint{Source: name, Text: string(text)})
	}
	return hints, nil
}

// printImport prints what was read, what was left out, and what was written.
func (a *app) printImport(f *importFlags, r *imported) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	line := func(what, format string, args ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", args...) }
	from := ""
	if r.Key != "" {
		from = ", state dict " + printable(r.Key)
	}
	line("read", "%s%s: layout %s, %d tensors, %d parameters", printable(r.File), from, r.Layout, r.Read, r.Parameters)
	if r.Prefix != "" {
		line("prefix", "%s", printable(r.Prefix))
	}
	for i, name := range r.Ignored {
		what := ""
		if i == 0 {
			what = fmt.Sprintf("ignored %d", len(r.Ignored))
		}
		line(what, "%s", printable(name))
	}
	c := r.Config
	line("backbone", "%d blocks of width %d, %d heads (%s), MLP %d, patches of %d, %d registers", c.Depth, c.Dim, c.Heads, r.From["heads"], c.MLPDim, c.PatchSize, c.Registers)
	line("eps", "%g (%s)", c.Eps, r.From["eps"])
	line("mean", "%v (%s)", c.Mean, r.From["mean"])
	line("std", "%v (%s)", c.Std, r.From["std"])
	if r.Positions == "" {
		line("pictures", "%d pixels, %d tokens", c.ImageSize, c.Tokens(c.ImageSize))
	} else {
		line("pictures", "%d pixels, %d tokens; positions for %d pixels resized (%s)", c.ImageSize, c.Tokens(c.ImageSize), r.TrainedAt, r.Positions)
	}
	line("int8", "cosine with float32 on %d %s: at least %.5f, mean %.5f", r.Check.Pictures, r.Check.Kind, r.Check.Least, r.Check.Mean)
	line("bundle", "%s: %d bytes, sha256 %s", printable(filepath.Join(f.out, r.Bundle.File)), r.Bundle.Bytes, r.Bundle.SHA256)
	line("manifest", "%s", printable(filepath.Join(f.out, f.name+".json")))
	if r.Experts != nil {
		printExperts(line, f, r.Experts)
	}
	if r.Weights != "" {
		line("float32", "%s", printable(r.Weights))
	}
	return w.Flush()
}
