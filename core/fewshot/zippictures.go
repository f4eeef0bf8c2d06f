//go:build !js

package fewshot

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func listPictures(file *os.File) (*Pictures, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, damaged(err)
	}
	p := &Pictures{archive: &archive{files: z.File, file: file}}
	for i, f := range z.File {
		path := strings.TrimSuffix(f.Name, "/")
		litter, err := checkEntry(f, path, info.Size())
		switch {
		case err != nil:
			return nil, err
		case litter || path != f.Name:
		case isImage(path):
			p.entries = append(p.entries, i)
		default:
			p.Others++
		}
	}
	slices.SortFunc(p.entries, func(x, y int) int { return strings.Compare(z.File[x].Name, z.File[y].Name) })
	for _, i := range p.entries {
		p.Names = append(p.Names, z.File[i].Name)
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
