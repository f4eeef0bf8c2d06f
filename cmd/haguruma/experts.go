package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/metatune"
)

// expertsFile is a file of experts, opened.
type expertsFile struct {
	*modelFile
	tuned *sparse.Experts
}

func openExperts(path string) (*expertsFile, error) {
	f, err := readModelFile(path)
	if err != nil {
		return nil, err
	}
	e, err := sparse.OpenExperts(f.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return &expertsFile{f, e}, nil
}

// expertsFlags are the flags of eval about experts.
type expertsFlags struct {
	files []string // NAME=FILE or FILE
	float bool
}

// check is told what else was asked for.
func (x *expertsFlags) check(suite bool) error {
	switch {
	case len(x.files) == 0 && x.float:
		return usagef("--experts-float goes with --experts")
	case len(x.files) > 0 && !suite:
		return usagef("--experts goes with --suite: experts adapt to each task")
	}
	seen := map[string]bool{}
	for _, text := range x.files {
		name, path := splitExperts(text)
		if name == "" || path == "" {
			return usagef("--experts %q: want FILE or NAME=FILE", text)
		}
		if seen[name] {
			return usagef("--experts: two are called %s; give NAME=FILE", name)
		}
		seen[name] = true
	}
	return nil
}

// splitExperts is the name in the tables and the file. Without a name it is that of the file, or of the run that wrote it.
func splitExperts(text string) (name, path string) {
	if name, path, found := strings.Cut(text, "="); found {
		return name, path
	}
	name, _, _ = strings.Cut(filepath.Base(text), ".")
	if filepath.Base(text) == metatune.ExpertsFile {
		if folder := filepath.Base(filepath.Dir(text)); folder != "." && folder != string(filepath.Separator) {
			name = folder
		}
	}
	return name, text
}

// namedExperts are experts by their name in the tables.
type namedExperts struct {
	*expertsFile
	name string
}

// open opens every file of experts.
func (x *expertsFlags) open() ([]namedExperts, error) {
	var list []namedExperts
	for _, text := range x.files {
		name, path := splitExperts(text)
		file, err := openExperts(path)
		if err != nil {
			return nil, err
		}
		list = append(list, namedExperts{file, name})
	}
	return list, nil
}

// methods puts experts on the backbone: b in int8, or in float32 params, or what b stands for when there are none.
func (x *expertsFlags) methods(experts []namedExperts, b *bundle, params *vit.Params[float32]) ([]metatune.Method, error) {
	var methods []metatune.Method
	for _, e := range experts {
		m, err := x.method(e.name, e.expertsFile, b, params)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.path, err)
		}
		methods = append(methods, m)
	}
	return methods, nil
}

func (x *expertsFlags) method(name string, file *expertsFile, b *bundle, params *vit.Params[float32]) (metatune.Method, error) {
	if !x.float {
		return metatune.Experts(name, b.model, b.hash, file.tuned, file.hash)
	}
	if params == nil {
		if err := file.tuned.CheckBackbone(b.hash, b.model); err != nil {
			return metatune.Method{}, err
		}
		params = b.model.Params()
	}
	return metatune.FloatExperts(name+" float32", params, file.tuned, file.hash)
}
