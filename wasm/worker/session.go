//go:build js && wasm

package main

import (
	"fmt"
	"time"

	"haguruma/adapt"
	"haguruma/adapt/carry"
	"haguruma/core/kernel"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// session is what one program holds: a backbone, its experts, and the adapters that were asked last. Nothing in it belongs to one request.
type session struct {
	weights carry.Weights // Backbone is nil before openBundle
	held    *holder
}

func newSession() *session { return &session{held: newHolder()} }

func (s *session) verbs() map[string]verb {
	return map[string]verb{
		"openBundle":  s.openBundle,
		"openExperts": s.openExperts,
		"adapt":       s.adapt,
		"seal":        s.seal,
		"inspect":     s.inspect,
		"hold":        s.hold,
		"classify":    s.classify,
		"feedback":    s.feedback,
		"lines":       lines,
		"journal":     readJournal,
	}
}

// opened is the header of openBundle and openExperts.
type opened struct {
	SHA256 string `json:"sha256"`
}

// file reads the body: a safetensors file with the bytes that the manifest names.
func file(header, body []byte) (*tensorfile.File, string, error) {
	h, err := read[opened](header)
	if err != nil {
		return nil, "", err
	}
	if have := tensorfile.Hash(body); have != h.SHA256 {
		return nil, "", fmt.Errorf("worker: want sha256 %s, have %s: %w", h.SHA256, have, errHash)
	}
	f, err := tensorfile.Decode(body)
	return f, h.SHA256, err
}

func (s *session) openBundle(header, body []byte) (any, []byte, error) {
	f, hash, err := file(header, body)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, errBundle)
	}
	model, err := vit.OpenInt8(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, errBundle)
	}
	s.weights, s.held = carry.Weights{Backbone: adapt.NewBackbone(model), Bundle: hash}, newHolder()
	c := s.weights.Backbone.Config()
	return struct {
		Dim       int    `json:"dim"`
		ImageSize int    `json:"imageSize"`
		Kernel    string `json:"kernel"`
		Card      string `json:"card"`
	}{c.Dim, c.ImageSize, kernel.Body(), f.Metadata["card"]}, nil, nil
}

func (s *session) openExperts(header, body []byte) (any, []byte, error) {
	if err := s.ready(); err != nil {
		return nil, nil, err
	}
	f, hash, err := file(header, body)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, errExperts)
	}
	experts, err := sparse.OpenExperts(f)
	if err == nil {
		err = experts.CheckBackbone(s.weights.Bundle, s.weights.Backbone.Model())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, errExperts)
	}
	s.weights.Experts, s.weights.Hash = experts, hash
	return struct {
		Experts int `json:"experts"`
	}{len(experts.Masks)}, nil, nil
}

func (s *session) ready() error {
	if s.weights.Backbone == nil {
		return fmt.Errorf("worker: no bundle has been opened: %w", errUsage)
	}
	return nil
}

// ready reads the header of a call that wants a bundle.
func ready[T any](s *session, header []byte) (T, error) {
	h, err := read[T](header)
	if err == nil {
		err = s.ready()
	}
	return h, err
}

// stages adds up how long parts of a request took, in milliseconds. On Cloudflare's own machines the clock stands still while a program computes.
type stages map[string]float64

// since adds the time from start to a stage and returns now.
func (s stages) since(stage string, start time.Time) time.Time {
	now := time.Now()
	s[stage] += float64(now.Sub(start).Microseconds()) / 1000
	return now
}
