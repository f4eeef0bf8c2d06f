package metatune

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// Manifest is <name>.json beside a bundle: what a page needs to know before it
// downloads the bundle itself.
type Manifest struct {
	Name   string     `json:"name"`
	File   string     `json:"file"` // beside the manifest
	Bytes  int        `json:"bytes"`
	SHA256 string     `json:"sha256"`
	Config vit.Config `json:"config"`
}

// WriteBundle quantises p to int8 and writes <name>.safetensors.zst and
// <name>.json to dir. metadata, such as the recipe, travels in the bundle's
// header.
func WriteBundle(dir, name string, p *vit.Params[float32], metadata map[string]string) (Manifest, error) {
	f := vit.NewInt8(p).File()
	for k, v := range metadata {
		if _, taken := f.Metadata[k]; taken {
			return Manifest{}, fmt.Errorf("metatune: metadata %q: the bundle sets it itself: %w", k, ErrConfig)
		}
		f.Metadata[k] = v
	}
	data, err := tensorfile.EncodeZstd(f)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Name: name, File: name + ".safetensors.zst", Bytes: len(data), SHA256: tensorfile.Hash(data), Config: p.Config}
	if err := writeFile(dir, m.File, data); err != nil {
		return Manifest{}, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, err
	}
	return m, os.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'), 0o644)
}
