//go:build !js

// Folders, archives and datasets.json are opened only where there are files. archive/zip registers its
// (de)compressors wherever it is imported, used or not, and the page's engine reads no data set: brotli
// of the linked wasm is 37 kB smaller without it (go build with and without the tag in zipfile.go).

package fewshot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OpenDataset opens a directory or a zip (stored or deflated) of <class>/<image>, where image ends
// in .jpg, .jpeg, .png, .gif, .webp or .bmp in any case.
//
// Names that begin with a dot, __MACOSX, Thumbs.db and desktop.ini are ignored. When every image
// lies below one single folder that holds no image of its own (a zip made of a folder), that
// folder is taken as the root. Anything deeper than <class>/<image> and any image outside a class folder
// is skipped and counted in Skipped; a class folder left without an image is ErrEmptyClass.
//
// Errors: those of the file system, ErrFormat, ErrTruncated, ErrTooLarge, ErrEncrypted, ErrPath,
// ErrDuplicate, ErrNoClass, ErrEmptyClass. Damage inside an image is found by [Dataset.Bytes].
func OpenDataset(path string) (*Dataset, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("fewshot: %w", err)
	}
	name := filepath.Base(filepath.Clean(path))
	if info.IsDir() {
		files, src, err := listFolder(path)
		if err != nil {
			return nil, fmt.Errorf("fewshot: %s: %w", name, err)
		}
		return newDataset(name, files, src)
	}
	if suffix := filepath.Ext(name); strings.EqualFold(suffix, ".zip") {
		name = strings.TrimSuffix(name, suffix)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fewshot: %w", err)
	}
	d, err := openZip(name, f, info.Size(), f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}
