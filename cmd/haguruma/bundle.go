package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haguruma/core/manifest"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// defaultManifest is what is looked for when no --bundle is given.
const defaultManifest = "default.json"

var (
	errNoBundle = errors.New("no bundle found")
	errManifest = errors.New("not a bundle's manifest")
	errHash     = errors.New("not the bytes that the manifest names")
)

// modelFile is a model file as it lies on disk, read and decoded.
type modelFile struct {
	name string // of the manifest, or of the file without its suffixes
	path string
	hash string // sha256 of the file's bytes
	size int    // bytes on disk
	file *tensorfile.File
}

// readModelFile reads a safetensors file, plain or zstd, or the one that a
// manifest names, whose length and hash must then agree.
func readModelFile(path string) (*modelFile, error) {
	var found *manifest.Manifest
	if strings.EqualFold(filepath.Ext(path), ".json") {
		m, err := readManifest(path)
		if err != nil {
			return nil, err
		}
		found = m
		path = filepath.Join(filepath.Dir(path), m.File)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &modelFile{path: path, hash: tensorfile.Hash(data), size: len(data)}
	f.name, _, _ = strings.Cut(filepath.Base(path), ".")
	if found != nil {
		f.name = found.Name
		if len(data) != found.Bytes || f.hash != found.SHA256 {
			return nil, fmt.Errorf("%s: want %d bytes with sha256 %s, have %d with %s: %w", path, found.Bytes, found.SHA256, len(data), f.hash, errHash)
		}
	}
	if f.file, err = tensorfile.Decode(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func readManifest(path string) (*manifest.Manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &manifest.Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errManifest, err)
	}
	if m.File == "" || m.File != filepath.Base(m.File) || m.Bytes <= 0 || len(m.SHA256) != 64 {
		return nil, fmt.Errorf("%s: want file (beside it), bytes and sha256: %w", path, errManifest)
	}
	return m, nil
}

// findBundle returns the path that --bundle gave, or that of the default
// bundle: beside the program, in www/models beside or above the program, or
// in www/models of the working directory or a folder above it.
func findBundle(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	var folders []string
	if program, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		beside := filepath.Dir(program)
		folders = append(folders, filepath.Join(beside, "models"), filepath.Join(beside, "www", "models"), filepath.Join(beside, "..", "www", "models"))
	}
	if at, err := os.Getwd(); err == nil {
		for {
			folders = append(folders, filepath.Join(at, "www", "models"))
			above := filepath.Dir(at)
			if above == at {
				break
			}
			at = above
		}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, defaultManifest)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s in www/models beside the program or above the working directory: %w", defaultManifest, errNoBundle)
}

// bundle is a model file opened as an int8 backbone. It is an adapt.Embedder.
type bundle struct {
	*modelFile
	model  *vit.Int8Model
	pixels []float32 // (3, size, size)
	embed  []float32 // (dim)
}

func openBundle(given string) (*bundle, error) {
	path, err := findBundle(given)
	if err != nil {
		return nil, err
	}
	file, err := readModelFile(path)
	if err != nil {
		return nil, err
	}
	model, err := vit.OpenInt8(file.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.path, err)
	}
	c := model.Config()
	return &bundle{file, model, make([]float32, 3*c.ImageSize*c.ImageSize), make([]float32, c.Dim)}, nil
}

// Dim is the length of an embedding.
func (b *bundle) Dim() int { return b.model.Config().Dim }

// Embed returns a slice that is valid until the next call.
func (b *bundle) Embed(pic *picture.Picture) ([]float32, error) {
	c := b.model.Config()
	pic.Square(c.ImageSize).Tensor(b.pixels, c.Mean, c.Std)
	b.model.Embed(b.embed, b.pixels, 1, c.ImageSize)
	return b.embed, nil
}
