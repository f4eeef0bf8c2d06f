package finetune

import (
	"reflect"
	"slices"
	"testing"
)

// TestFoldViews: views of the examples change nothing of what is tuned. By the weights of the fold and the part that was chosen, a view that is another example has
// its embedding, to the bit; where nothing changes, there is none.
func TestFoldViews(t *testing.T) {
	for _, mode := range []Mode{Sparse, LoRA, Full} {
		for _, parts := range [][]float64{{0.25}, {0.5, 1}} {
			base, task, c := smallBackbone(), stripes(3, 4, 2), smallTuning(mode)
			c.Rates, c.Parts = []float64{0, 1e-2}, parts
			want := mustTune(t, &Tuner{Base: base}, task, c)
			if want.Rate == 0 {
				t.Fatalf("%s, %v: nothing is chosen: the test cannot fail", mode, parts)
			}
			n, plane := len(task.Labels), len(task.Images)/len(task.Labels)
			for i := range n { // the examples to either side
				for _, other := range []int{(i + 1) % n, (i + n - 1) % n} {
					task.Views = append(task.Views, task.Images[other*plane:(other+1)*plane]...)
				}
			}
			have := mustTune(t, &Tuner{Base: base}, task, c)
			if !slices.Equal(have.Change.Values(), want.Change.Values()) || !reflect.DeepEqual(have.Votes, want.Votes) || have.Rate != want.Rate || have.Part != want.Part {
				t.Fatalf("%s, %v: another result with views", mode, parts)
			}
			dim := base.Config().Dim
			for f, fold := range have.Folds {
				row := func(i int) []float32 { return want.Folds[f].Embed[i*dim : (i+1)*dim] }
				for i := range n {
					all := fold.Embed[i*3*dim : (i+1)*3*dim]
					if !slices.Equal(all[:dim], row(i)) || !slices.Equal(all[dim:2*dim], row((i+1)%n)) || !slices.Equal(all[2*dim:], row((i+n-1)%n)) {
						t.Fatalf("%s, %v, fold %d: example %d or its views are embedded otherwise", mode, parts, f, i)
					}
				}
			}
			c.Rates = []float64{0}
			if have = mustTune(t, &Tuner{Base: base}, task, c); len(have.Folds) > 0 && len(have.Folds[0].Embed) != n*dim {
				t.Errorf("%s: views where nothing changes", mode)
			}
		}
	}
}
