// Package onnx (floor 4) writes a backbone as an ONNX file, for other engines:
// to compare results with theirs, and to compare speed on the same weights.
//
// The files are opset 17 with float32 weights inside. Only what a ViT needs is
// here: framing of protocol buffers, a builder of graphs, and the one graph.
// Start reading at Model.
package onnx
