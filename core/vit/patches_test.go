package vit

import (
	"math"
	"slices"
	"testing"
)

// TestEmbedPatches: the embeddings are Embed's to the bit, whatever ran before; patches are those of each image alone; and a mean-pooled embedding is the
// mean of its patches.
func TestEmbedPatches(t *testing.T) {
	const batch, size = 3, 16
	for name, c := range smallConfigs() {
		m := NewInt8(randomParams[float32](c, 3))
		images := randomSlice[float32](batch*3*size*size, 5)
		area := (size / c.PatchSize) * (size / c.PatchSize)
		want, embed, patches := make([]float32, batch*c.Dim), make([]float32, batch*c.Dim), make([]float32, batch*area*c.Dim)
		m.Embed(want, images, batch, size)
		m.EmbedPatches(patches, embed, images, batch, size)
		again := make([]float32, batch*c.Dim)
		m.Embed(again, images, batch, size)
		if !slices.Equal(embed, want) || !slices.Equal(again, want) {
			t.Errorf("%s: not the embeddings that Embed gives", name)
		}
		alone := make([]float32, area*c.Dim)
		m.Share().EmbedPatches(alone, embed, images[2*3*size*size:], 1, size)
		if !slices.Equal(alone, patches[2*area*c.Dim:]) {
			t.Errorf("%s: an image alone has other patches", name)
		}
		if slices.Equal(alone, patches[:area*c.Dim]) || slices.Equal(alone[:c.Dim], alone[c.Dim:2*c.Dim]) {
			t.Errorf("%s: all patches are alike", name)
		}
		if c.Pool != PoolMean || c.Registers > 0 {
			continue
		}
		for d := range c.Dim {
			var mean float64
			for p := range area {
				mean += float64(alone[p*c.Dim+d]) / float64(area)
			}
			if math.Abs(mean-float64(want[2*c.Dim+d])) > 1e-4 {
				t.Fatalf("%s: the mean of patches is %v at %d, the embedding %v", name, mean, d, want[2*c.Dim+d])
			}
		}
	}
}
