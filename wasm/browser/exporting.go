//go:build js && wasm && (tune || !browser)

package main

import (
	"fmt"

	"haguruma/adapt/export"
	"haguruma/core/tensorfile"
)

// What other programs run is written by the engines that the page asks for when somebody wants it: those that can fine-tune.
func init() { verbs = append(verbs, named{"exportModel", (*session).exportModel}) }

// exportModel(bundle, experts, file, format) returns the backbone with an adapter's experts and changes merged and its head on top, as a file of the format:
// what the terminal's export writes, to the bit. The task is not touched.
func (s *session) exportModel(a *arguments) (any, error) {
	w, err := s.carried(a)
	if err != nil {
		return nil, err
	}
	x, err := s.adapter(a)
	if err != nil {
		return nil, err
	}
	format := a.string()
	if a.err != nil {
		return nil, a.err
	}
	applied, err := w.Apply(x)
	if err != nil {
		return nil, err
	}
	var data []byte
	switch params := applied.Model().Params(); format {
	case "onnx":
		data, err = export.ONNX(params, 0, 0, x)
	case "safetensors":
		data, err = tensorfile.Encode(export.Timm(params, x))
	default:
		return nil, fmt.Errorf("browser: %s: no format %q: %w", a.verb, format, errUsage)
	}
	if err != nil {
		return nil, err
	}
	return s.border.out(data)
}
