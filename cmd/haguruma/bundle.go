package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haguruma/adapt"
	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// defaultManifest is what is looked for when no --bundle is given.
const defaultManifest = "default.json"

// maxText is far above any manifest, recipe, model card or config.json.
const maxText = 1 << 20

var (
	errNoBundle = errors.New("no bundle found")
	errHash     = errors.New("not the bytes that the manifest names")
)

// modelFile is a model file as it lies on disk, read and decoded.
type modelFile struct {
	name string // of the manifest, or of the file without its suffixes
	path string
	hash string // sha256 of the file's bytes
	size int    // bytes on disk
	file *tensorfile.File

	experts     string // path of the experts that the manifest names; empty: none
	expertsPart manifest.Part
}

// readModelFile reads a safetensors file, plain or zstd, or the one that a
// manifest names, whose length and hash must then agree.
func readModelFile(path string) (*modelFile, error) {
	var found *manifest.Manifest
	if strings.EqualFold(filepath.Ext(path), ".json") {
		m, err := manifest.Read(path)
		if err != nil {
			return nil, err
		}
		found = m
		path = filepath.Join(filepath.Dir(path), m.File)
	}
	f := &modelFile{path: path}
	f.name, _, _ = strings.Cut(filepath.Base(path), ".")
	want := manifest.Part{}
	if found != nil {
		f.name = found.Name
		want = manifest.Part{File: found.File, Bytes: found.Bytes, SHA256: found.SHA256}
		if found.Experts != nil {
			f.experts = filepath.Join(filepath.Dir(path), found.Experts.File)
			f.expertsPart = *found.Experts
		}
	}
	var err error
	f.file, f.hash, f.size, err = readPart(path, want)
	return f, err
}

// readPart reads a safetensors file that a manifest names, whose length and hash must agree; an empty part says neither.
func readPart(path string, want manifest.Part) (file *tensorfile.File, hash string, size int, err error) {
	data, err := tensorfile.ReadFile(path, tensorfile.MaxFile)
	if err != nil {
		return nil, "", 0, err
	}
	hash = tensorfile.Hash(data)
	if want.SHA256 != "" && (len(data) != want.Bytes || hash != want.SHA256) {
		return nil, "", 0, fmt.Errorf("%s: want %d bytes with sha256 %s, have %d with %s: %w", path, want.Bytes, want.SHA256, len(data), hash, errHash)
	}
	if file, err = tensorfile.Decode(data); err != nil {
		return nil, "", 0, fmt.Errorf("%s: %w", path, err)
	}
	return file, hash, len(data), nil
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
	*adapt.Backbone
	model *vit.Int8Model
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
	return &bundle{file, adapt.NewBackbone(model), model}, nil
}

// expertsFor returns experts of the bundle: those in the file given, or that its manifest names; nil when there are none.
func (b *bundle) expertsFor(given string) (*expertsFile, error) {
	var f *expertsFile
	switch {
	case given != "":
		opened, err := openExperts(given)
		if err != nil {
			return nil, err
		}
		f = opened
	case b.experts == "":
		return nil, nil
	default:
		file, hash, size, err := readPart(b.experts, b.expertsPart)
		if err != nil {
			return nil, err
		}
		tuned, err := sparse.OpenExperts(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.experts, err)
		}
		f = &expertsFile{&modelFile{path: b.experts, hash: hash, size: size, file: file}, tuned}
	}
	if err := f.tuned.CheckBackbone(b.hash, b.model); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return f, nil
}
