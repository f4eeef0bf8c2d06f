// Package manifest (floor 4) puts a backbone where fronts find it: the bundle,
// and beside it a small JSON file that says what the bundle is before anybody
// downloads it.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

var (
	// ErrKey: metadata with a key that the bundle sets itself.
	ErrKey = errors.New("reserved metadata key")
	// ErrManifest: a file that is not a manifest, or lacks what it must say.
	ErrManifest = errors.New("not a bundle's manifest")
)

// Manifest is <name>.json beside a bundle: what a page needs to know before it
// downloads the bundle itself.
type Manifest struct {
	Name   string     `json:"name"`
	File   string     `json:"file"` // beside the manifest
	Bytes  int        `json:"bytes"`
	SHA256 string     `json:"sha256"`
	Config vit.Config `json:"config"`

	Experts *Part `json:"experts,omitempty"` // sparse experts of the bundle; nil: it has none
}

// Part is another file beside the manifest.
type Part struct {
	File   string `json:"file"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Write writes a model to dir, which it makes, as the bundle
// <name>.safetensors.zst and the manifest <name>.json. metadata, such as a
// recipe or a card, travels in the bundle's header beside the model's own.
//
// Each file is written beside its place and then renamed, the manifest last:
// until then the old manifest refuses the new bundle by its hash. The error
// wraps ErrKey, tensorfile's sentinels or the operating system's.
func Write(dir, name string, model *vit.Int8Model, metadata map[string]string) (Manifest, error) {
	f := model.File()
	for k, v := range metadata {
		if _, taken := f.Metadata[k]; taken {
			return Manifest{}, fmt.Errorf("manifest: metadata %q: %w", k, ErrKey)
		}
		f.Metadata[k] = v
	}
	data, err := tensorfile.EncodeZstd(f)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Name: name, File: name + ".safetensors.zst", Bytes: len(data), SHA256: tensorfile.Hash(data), Config: model.Config()}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Manifest{}, err
	}
	if err := tensorfile.WriteFile(filepath.Join(dir, m.File), data); err != nil {
		return Manifest{}, err
	}
	return m, m.write(dir, name)
}

func (m *Manifest) write(dir, name string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return tensorfile.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'))
}

// MetaBackbone is the metadata key by which a file of experts names its backbone: the sha256 of the bundle.
const MetaBackbone = "backbone"

// WriteExperts puts experts beside the bundle that Write wrote to dir under that name: the file <name>.experts.safetensors.zst, with the
// bundle's sha256 in its metadata, and the manifest, last, that names it. The file is as sparse.Experts makes it; its metadata is changed.
// The error wraps ErrKey when the file names another backbone already, ErrManifest, tensorfile's sentinels or the operating system's.
func WriteExperts(dir, name string, f *tensorfile.File) (Manifest, error) {
	m, err := Read(filepath.Join(dir, name+".json"))
	if err != nil {
		return Manifest{}, err
	}
	if have := f.Metadata[MetaBackbone]; have != "" && have != m.SHA256 {
		return Manifest{}, fmt.Errorf("manifest: metadata %q: want %s, the experts name %s: %w", MetaBackbone, m.SHA256, have, ErrKey)
	}
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	f.Metadata[MetaBackbone] = m.SHA256
	data, err := tensorfile.EncodeZstd(f)
	if err != nil {
		return Manifest{}, err
	}
	m.Experts = &Part{File: name + ".experts.safetensors.zst", Bytes: len(data), SHA256: tensorfile.Hash(data)}
	if err := tensorfile.WriteFile(filepath.Join(dir, m.Experts.File), data); err != nil {
		return Manifest{}, err
	}
	return *m, m.write(dir, name)
}

// maxManifest is far above any manifest.
const maxManifest = 1 << 20

// Read reads a manifest and checks what it must say. Errors wrap ErrManifest, those of tensorfile.ReadFile or the operating system's.
func Read(path string) (*Manifest, error) {
	data, err := tensorfile.ReadFile(path, maxManifest)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrManifest, err)
	}
	if err := (Part{m.File, m.Bytes, m.SHA256}).check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.Experts != nil {
		if err := m.Experts.check(); err != nil {
			return nil, fmt.Errorf("%s: experts: %w", path, err)
		}
	}
	return m, nil
}

func (p Part) check() error {
	if p.File == "" || p.File != filepath.Base(p.File) || p.Bytes <= 0 || len(p.SHA256) != 64 {
		return fmt.Errorf("want file (beside it), bytes and sha256: %w", ErrManifest)
	}
	return nil
}
