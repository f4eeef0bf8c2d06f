//go:build !js

package fewshot

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
)

// folderDepth is how deep listFolder looks: <wrapper>/<class>/<image>.
const folderDepth = 3

// folder is a source of loose files.
type folder struct {
	root   string
	paths  []string // slash-separated, below root
	closed atomic.Bool
}

// listFolder lists the files below root down to folderDepth. Links are followed: the depth ends loops.
func listFolder(root string) ([]file, *folder, error) {
	src := &folder{root: root}
	var files []file
	var walk func(prefix string, depth int) error
	walk = func(prefix string, depth int) error {
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(prefix)))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if isLitter(e.Name()) {
				continue
			}
			path := prefix + e.Name()
			if err := checkText(path); err != nil {
				return err
			}
			mode := e.Type()
			if mode&os.ModeSymlink != 0 {
				info, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
				if err != nil {
					return err
				}
				mode = info.Mode()
			}
			if !mode.IsDir() && !mode.IsRegular() {
				continue // opening a pipe would wait for ever
			}
			if !mode.IsDir() {
				// The size is not asked for here: one call a file is slow over 100,000 files.
				files = append(files, file{path: path, size: -1, entry: len(src.paths)})
				src.paths = append(src.paths, path)
				continue
			}
			files = append(files, file{path: path, dir: true})
			if depth < folderDepth {
				if err := walk(path+"/", depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk("", 1); err != nil {
		return nil, nil, err
	}
	return files, src, nil
}

func (s *folder) read(entry int) ([]byte, error) {
	if s.closed.Load() {
		return nil, os.ErrClosed
	}
	f, err := os.Open(filepath.Join(s.root, filepath.FromSlash(s.paths[entry])))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file: %w", ErrFormat)
	}
	if info.Size() > MaxImageBytes {
		return nil, fmt.Errorf("want at most %d bytes, have %d: %w", MaxImageBytes, info.Size(), ErrTooLarge)
	}
	data := make([]byte, info.Size())
	if n, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("want %d bytes, have %d: %w", len(data), n, damaged(err))
	}
	return data, nil
}

func (s *folder) close() error {
	s.closed.Store(true)
	return nil
}
