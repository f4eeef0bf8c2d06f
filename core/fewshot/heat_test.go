package fewshot

import (
	"math"
	"testing"
)

// TestHeatByHand: numbers worked out by hand, and the mean over patches is the difference of logits.
func TestHeatByHand(t *testing.T) {
	h := &Head{Weights: []float32{1, 0, 0, 1, -1, 0}, Bias: []float32{0.5, 0, 0.25}, Scale: 2}
	patches, embed := []float32{6, 0, 0, 8}, []float32{3, 4} // of length 5, the mean of patches
	heat := make([]float32, 2)
	h.Heat(heat, patches, embed, 0)
	// The row (1,0) less the mean (-0.5,0.5) of the others is (1.5,-0.5): 9 and -4, times 2/5.
	if math.Abs(float64(heat[0])-3.6) > 1e-6 || math.Abs(float64(heat[1])+1.6) > 1e-6 {
		t.Errorf("have %v, want 3.6 and -1.6", heat)
	}
	logits := make([]float32, 3)
	h.Logits(logits, embed)
	want := logits[0] - (logits[1]+logits[2])/2
	if have := (heat[0]+heat[1])/2 + h.Scale*(h.Bias[0]-(h.Bias[1]+h.Bias[2])/2); math.Abs(float64(have-want)) > 1e-5 {
		t.Errorf("the mean and the biases are %v, the logits differ by %v", have, want)
	}
}
