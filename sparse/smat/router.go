package smat

import (
	"fmt"
	"math"

	"haguruma/core/tensorfile"
	"haguruma/sparse"
)

// Constants of the authors' router that no tensor tells.
const (
	routerHeads = 4
	routerEps   = 1e-5
)

// router reads the router in the form of use: matrices divided by their spectral norms. It is nil when the keys or the skill tokens are
// not in the file; tasks is then 0.
func (r *reader) router() (router *sparse.Router[float32], tasks int, err error) {
	for _, name := range []string{keysName, skillsName} {
		if !r.has(name) {
			r.missing = append(r.missing, r.prefix+name)
		}
	}
	fc1 := r.tensors[routerPart+"mlp.fc1"+spectralOrig]
	if fc1 == nil || len(fc1.Shape) != 2 {
		return nil, 0, fmt.Errorf("smat: tensor %q: want a matrix: %w", r.prefix+routerPart+"mlp.fc1"+spectralOrig, tensorfile.ErrFormat)
	}
	c := sparse.RouterConfig{
		Dim: fc1.Shape[1], MLPDim: fc1.Shape[0], Experts: r.experts, Heads: routerHeads, Tokens: 1, Read: sparse.ReadFirst, Eps: routerEps,
	}
	if len(r.missing) == 0 {
		if skills := r.tensors[skillsName]; len(skills.Shape) == 3 {
			c.Tokens = skills.Shape[1]
		}
	}
	if err := c.Check(); err != nil {
		return nil, 0, err
	}
	// Every tensor is looked up before the router is made, also when there will be none.
	type part struct {
		to     string
		values []float32
	}
	var parts []part
	add := func(to string, x []float32, failed error) {
		parts = append(parts, part{to, x})
		if err == nil {
			err = failed
		}
	}
	plain := func(name string, shape ...int) {
		x, failed := r.values(routerPart+name, shape...)
		add(name, x, failed)
	}
	spectral := func(name string, rows, cols int) {
		x, failed := r.normalized(routerPart+name, rows, cols)
		add(name+".weight", x, failed)
	}
	for _, norm := range []string{"norm1", "norm2"} {
		plain(norm+".weight", c.Dim)
		plain(norm+".bias", c.Dim)
	}
	spectral("attn.qkv", 3*c.Dim, c.Dim)
	spectral("attn.proj", c.Dim, c.Dim)
	plain("attn.proj.bias", c.Dim)
	spectral("mlp.fc1", c.MLPDim, c.Dim)
	plain("mlp.fc1.bias", c.MLPDim)
	spectral("mlp.fc2", c.Dim, c.MLPDim)
	plain("mlp.fc2.bias", c.Dim)
	if err == nil && len(r.missing) > 0 {
		for _, name := range []string{keysName, skillsName} { // one without the other is of no use
			if t := r.tensors[name]; t != nil {
				r.known[t.Name] = true
			}
		}
		return nil, 0, nil
	}
	keys, failed := r.values(keysName, r.experts, c.Dim)
	add("keys", keys, failed)
	tokens, failed := r.values(skillsName, 1, c.Tokens, c.Dim)
	add("tokens", tokens, failed)
	if err != nil {
		return nil, 0, err
	}
	if tasks, err = r.tasks(); err != nil {
		return nil, 0, err
	}
	router = sparse.NewRouter[float32](c)
	for _, p := range parts {
		for _, t := range router.Tensors() {
			if t.Name == p.to {
				copy(router.Flat[t.Start:t.Start+t.Len()], p.values)
			}
		}
	}
	return router, tasks, nil
}

// normalized reads a matrix under spectral normalization and applies it: W/(uᵀ W v), in float64.
func (r *reader) normalized(name string, rows, cols int) ([]float32, error) {
	orig, err := r.values(name+spectralOrig, rows, cols)
	if err != nil {
		return nil, err
	}
	u, err := r.values(name+spectralLeft, rows)
	if err != nil {
		return nil, err
	}
	v, err := r.values(name+spectralRight, cols)
	if err != nil {
		return nil, err
	}
	w := widen(orig)
	s := sparse.Spectral[float64]{Name: name, Rows: rows, Cols: cols, U: widen(u), V: widen(v)}
	if sigma := s.Sigma(w); !(sigma > 0) {
		return nil, fmt.Errorf("smat: tensor %q: want a spectral norm above 0, have %v: %w", r.prefix+name+spectralOrig, sigma, tensorfile.ErrFormat)
	}
	s.Normalize(w, w)
	for i, x := range w {
		if orig[i] = float32(x); math.IsInf(float64(orig[i]), 0) {
			return nil, fmt.Errorf("smat: tensor %q: not finite when divided by its spectral norm: %w", r.prefix+name+spectralOrig, tensorfile.ErrFormat)
		}
	}
	return orig, nil
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// tasks reads the number of training tasks.
func (r *reader) tasks() (int, error) {
	t := r.tensors[tasksName]
	if t == nil {
		return 0, fmt.Errorf("smat: tensor %q: have none, so the temperature of the router is unknown: %w", r.prefix+tasksName, tensorfile.ErrFormat)
	}
	n, err := number(t)
	if err != nil {
		return 0, err
	}
	if !(n >= 0 && n < 1<<40) || n != math.Trunc(n) {
		return 0, fmt.Errorf("smat: tensor %q: want a number of tasks, have %v: %w", t.Name, n, tensorfile.ErrFormat)
	}
	r.known[t.Name] = true
	return int(n), nil
}
