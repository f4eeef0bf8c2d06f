package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// A site with a service worker has a list of its files. The worker keeps
// content by hash and serves a page only what one list names, so the list is
// made of what lies in the folder now.
const (
	listName   = "files.json"
	workerName = "sw.js"
	modelName  = "models/default.json"

	maxListed   = 1000    // files of a site
	maxManifest = 1 << 16 // bytes of models/default.json
)

// listedKinds are the extensions of what a page is made of; descriptions,
// types and packed copies are not.
var listedKinds = map[string]bool{
	".html": true, ".css": true, ".js": true, ".json": true, ".webmanifest": true, ".svg": true, ".png": true, ".ico": true,
	".woff2": true, ".wasm": true,
}

type listedFile struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// hasList tells whether the site has a service worker that reads the list.
func (s *site) hasList() bool {
	_, err := s.root.Stat(workerName)
	return err == nil
}

// list returns files.json: every file of the page by its path, and of models
// the default one with what its manifest names. Same files, same bytes.
func (s *site) list() ([]byte, error) {
	files := map[string]listedFile{}
	models, err := s.listedModels()
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(s.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case hidden(name) || name == "test":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular() || name == listName || name == workerName:
			return nil
		case strings.HasPrefix(name, "models/"):
			if !models[name] {
				return nil
			}
		case !listedKinds[strings.ToLower(path.Ext(name))]:
			return nil
		}
		if len(files) == maxListed {
			return fmt.Errorf("%s: more than %d files; a page has fewer", listName, maxListed)
		}
		file, info, err := s.open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		hash, err := s.hash(name, file, info)
		if err != nil {
			return err
		}
		files[name] = listedFile{info.Size(), hash}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", " ")
	err = encoder.Encode(map[string]any{"files": files})
	return text.Bytes(), err
}

// listedModels returns the names of the default manifest and of what it names;
// none where there is no default model.
func (s *site) listedModels() (map[string]bool, error) {
	file, info, err := s.open(modelName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s: %d bytes, want at most %d", modelName, info.Size(), maxManifest)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		File    string
		Experts *struct{ File string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", modelName, err)
	}
	names := map[string]bool{modelName: true, "models/" + manifest.File: true}
	if manifest.Experts != nil {
		names["models/"+manifest.Experts.File] = true
	}
	return names, nil
}
