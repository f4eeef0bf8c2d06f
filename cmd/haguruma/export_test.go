package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/core/onnx"
	"haguruma/core/tensorfile"
)

// TestExport: a manifest, a bundle and float32 weights become the ONNX file of their parameters. What other engines make
// of it is TestImportONNX.
func TestExport(t *testing.T) {
	b, err := openBundle(testBundle(t))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	params := b.model.Params()
	weights := filepath.Join(folder, "weights.safetensors")
	if err := tensorfile.Save(weights, params.File()); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, "out.onnx")
	for _, file := range []string{b.path, strings.Replace(b.path, ".safetensors.zst", ".json", 1), weights} {
		for _, batch := range []string{"0", "1"} {
			r := parse[exported](t, succeed(t, "export", file, "--onnx", to, "--batch", batch, "--json"))
			have, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			want, err := onnx.Model(params, int(batch[0]-'0'))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(have, want) || r.Bytes != len(have) || r.Dim != testConfig.Dim || r.Size != testConfig.ImageSize {
				t.Errorf("%s, batch %s: %d bytes, want %d: %+v", file, batch, len(have), len(want), r)
			}
		}
	}
	if text := succeed(t, "export", b.path, "--onnx", to); !strings.Contains(text, "16 numbers") {
		t.Errorf("export says %q", text)
	}
	for name, codes := range map[string]onnx.Int8{"s8": onnx.S8, "u8": onnx.U8} {
		succeed(t, "export", weights, "--onnx", to, "--int8", name)
		have, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := onnx.ModelInt8(params, 0, codes); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: %d bytes, want %d, %v", name, len(have), len(want), err)
		}
	}
	refuse(t, exitUsage, []string{"--int8"}, "export", b.path, "--onnx", to, "--int8", "s4")
	refuse(t, exitUsage, []string{"--onnx"}, "export", b.path)
	refuse(t, exitUsage, []string{"have 0"}, "export", "--onnx", to)
	refuse(t, exitUsage, []string{"--batch"}, "export", b.path, "--onnx", to, "--batch", "-1")
	refuse(t, exitFailure, []string{"no such file"}, "export", filepath.Join(folder, "none"), "--onnx", to)
	refuse(t, exitFailure, []string{"format"}, "export", saveSafetensors(t, filepath.Join(folder, "other.safetensors"), &tensorfile.File{}), "--onnx", to)
	refuse(t, exitFailure, []string{"no such"}, "export", b.path, "--onnx", filepath.Join(folder, "none", "out.onnx"))
}
