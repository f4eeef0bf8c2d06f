// Package export (floor 5) writes a backbone, or a whole adaptation with its head on top, as files that other engines run: ONNX, and safetensors under timm's
// names. The terminal and the page write the same bytes; docs/FORMAT.md has what is in them. Start reading at ONNX.
package export
