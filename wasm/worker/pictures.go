//go:build js && wasm

package main

import (
	"fmt"
	"time"

	"haguruma/core/picture"
)

// limits of the pictures of one request; the shim says them.
type limits struct {
	Pixels int `json:"pixels"` // of one picture
	Total  int `json:"total"`  // of all
}

// reader decodes the pictures of a body in turn.
type reader struct {
	body   []byte
	limits limits
	used   int // pixels
}

// next returns the bytes of the next picture, and the picture, with its place where it fails. Pixels are counted by the header, before one is decoded.
func (r *reader) next(length int, place string) ([]byte, *picture.Picture, error) {
	if length < 0 || length > len(r.body) {
		return nil, nil, fmt.Errorf("worker: %s: want at most %d bytes, have %d: %w", place, len(r.body), length, errUsage)
	}
	data := r.body[:length]
	r.body = r.body[length:]
	left := r.limits.Total - r.used
	if left <= 0 {
		return nil, nil, fmt.Errorf("%s: want at most %d pixels in all: %w", place, r.limits.Total, errPixels)
	}
	pic, err := picture.Decode(data, picture.Limits{MaxBytes: max(length, 1), MaxPixels: min(r.limits.Pixels, left)})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", place, err)
	}
	r.used += pic.Width * pic.Height
	return data, pic, nil
}

// end holds the body to the lengths in the header.
func (r *reader) end() error {
	if len(r.body) > 0 {
		return fmt.Errorf("worker: want the end, have %d bytes more: %w", len(r.body), errUsage)
	}
	return nil
}

// look is a picture as the backbone sees it.
type look struct {
	pic  *picture.Picture
	file []byte // of the body
}

// look reads the next picture and reduces it to the square that every state of the backbone sees, so that its pixels are garbage at once.
func (s *session) look(r *reader, length int, place string, stages stages) (*look, error) {
	start := time.Now()
	data, pic, err := r.next(length, place)
	if err != nil {
		return nil, err
	}
	l := &look{s.weights.Backbone.Reduce(pic), data}
	stages.since("decode", start)
	return l, nil
}
