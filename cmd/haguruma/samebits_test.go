//go:build samebits

// Held by ./build.sh test after it has built www/engine.wasm: it needs that,
// Node and the default bundle, which a plain go test ./... does not.

package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"haguruma/core/kernel"
)

// TestSameBits: the terminal and the engine of the page give the same int8
// embedding, bit for bit, of the same file.
func TestSameBits(t *testing.T) {
	manifest, err := findBundle("")
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBundle(manifest)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, data := range map[string][]byte{
		"busy.png":      encodePNG(t, busyImage(97, 61, 1)),
		"small.png":     encodePNG(t, busyImage(9, 12, 2)),
		"photo.jpg":     encodeJPEG(t, busyImage(320, 240, 3)),
		"one pixel.png": encodePNG(t, busyImage(1, 1, 4)),
	} {
		file := write(t, filepath.Join(folder, name), data)
		here := parse[[]embedded](t, succeed(t, "classify", "--embed", "--json", "--bundle", manifest, file))
		command := exec.CommandContext(t.Context(), "node", "../../e2e/embed.mjs", b.path, file)
		command.Stderr = os.Stderr
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: node e2e/embed.mjs: %v", name, err)
		}
		var there struct {
			Bits  string
			Embed []float32
		}
		if err := json.Unmarshal(output, &there); err != nil {
			t.Fatalf("%s: %v in %q", name, err, output)
		}
		if len(there.Embed) != b.Dim() || len(there.Bits) != 64 {
			t.Fatalf("%s: want %d numbers and a sha256 from wasm, have %d and %q", name, b.Dim(), len(there.Embed), there.Bits)
		}
		if here[0].Bits != there.Bits {
			t.Errorf("%s: native (%s) and wasm differ: %s", name, kernel.Body(), firstDifference(here[0].Embed, there.Embed))
		}
	}
}

// busyImage has ramps, noise and, in its right half, transparency.
func busyImage(width, height int, seed uint64) image.Image {
	rng := rand.New(rand.NewPCG(seed, 6))
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			alpha := uint8(255)
			if 2*x > width {
				alpha = uint8(rng.IntN(256))
			}
			m.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / width), uint8(255 * y / height), uint8(rng.IntN(256)), alpha})
		}
	}
	return m
}

func firstDifference(x, y []float32) string {
	for i := range x {
		if x[i] != y[i] {
			return fmt.Sprintf("number %d of %d is %v and %v", i, len(x), x[i], y[i])
		}
	}
	return "in no number that compares unequal (signs of zero)"
}
