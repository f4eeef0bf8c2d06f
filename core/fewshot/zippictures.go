//go:build !js

package fewshot

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Pictures are the pictures in a zip, of no class, wherever they lie in it.
type Pictures struct {
	Names  []string // paths in the zip, sorted
	Others int      // files that are no picture by name

	entries []int
	archive *archive
}

// OpenPictures opens a zip, by the rules of [OpenDataset] for names and entries. Errors: those of the file system, ErrFormat, ErrTruncated,
// ErrTooLarge, ErrEncrypted, ErrPath.
func OpenPictures(path string) (*Pictures, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fewshot: %w", err)
	}
	p, err := listPictures(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("fewshot: %s: %w", filepath.Base(path), err)
	}
	return p, nil
}

func listPictures(zipped *os.File) (*Pictures, error) {
	info, err := zipped.Stat()
	if err != nil {
		return nil, err
	}
	files, src, err := listZip(zipped, info.Size(), zipped)
	if err != nil {
		return nil, err
	}
	p := &Pictures{archive: src}
	slices.SortFunc(files, func(x, y file) int { return cmp.Compare(x.path, y.path) })
	for _, f := range files {
		switch {
		case f.dir:
		case isImage(f.path):
			p.Names, p.entries = append(p.Names, f.path), append(p.entries, f.entry)
		default:
			p.Others++
		}
	}
	return p, nil
}

// Bytes returns the file of picture i, in the order of Names. Errors: ErrTruncated, ErrFormat, those of the file system.
func (p *Pictures) Bytes(i int) ([]byte, error) {
	data, err := p.archive.read(p.entries[i])
	if err != nil {
		return nil, fmt.Errorf("fewshot: %s: %w", p.Names[i], err)
	}
	return data, nil
}

// Close closes the zip.
func (p *Pictures) Close() error { return p.archive.close() }
