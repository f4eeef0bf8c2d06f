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

// ErrKey: metadata with a key that the bundle sets itself.
var ErrKey = errors.New("reserved metadata key")

// Manifest is <name>.json beside a bundle: what a page needs to know before it
// downloads the bundle itself.
type Manifest struct {
	Name   string     `json:"name"`
	File   string     `json:"file"` // beside the manifest
	Bytes  int        `json:"bytes"`
	SHA256 string     `json:"sha256"`
	Config vit.Config `json:"config"`
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
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Manifest{}, err
	}
	if err := tensorfile.WriteFile(filepath.Join(dir, m.File), data); err != nil {
		return Manifest{}, err
	}
	return m, tensorfile.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'))
}
