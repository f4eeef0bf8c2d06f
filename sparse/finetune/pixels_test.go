//go:build !wasm

package finetune

import "testing"

// TestFullFromThePixels: with From -1 the patch embedding moves too; not in a browser.
func TestFullFromThePixels(t *testing.T) {
	c := smallTuning(Full)
	c.From, c.Folds = -1, 0
	r := mustTune(t, &Tuner{Base: smallBackbone()}, stripes(3, 3, 1), c)
	if values := r.Change.Values(); r.Tuned != len(values) || values[0] == 0 && values[1] == 0 {
		t.Errorf("%d of %d numbers move, the first by %v", r.Tuned, len(values), values[0])
	}
}
