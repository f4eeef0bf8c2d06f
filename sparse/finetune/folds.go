package finetune

import (
	"math/rand/v2"

	"haguruma/core/kernel"
)

// Fold is the support as embedded by weights that were tuned without some of it, in float32.
type Fold struct {
	Out   []bool    // (n) examples that these weights have not seen
	Embed []float32 // (n, each, dim): the example, and where weights change its Task.Views
}

// folds says of each fold which examples it leaves out: a share of each class, and never the last one of it.
func folds(task Task, n int, rng *rand.Rand) (out [][]bool, held int) {
	for range n {
		out = append(out, make([]bool, len(task.Labels)))
	}
	for _, list := range members(task, nil) {
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if len(list) < 2 || n == 0 {
			continue
		}
		offset := rng.IntN(n)
		for i, example := range list {
			out[(offset+i)%n][example] = true
			held++
		}
	}
	return out, held
}

// sparseMove is what steps changed, without the weights that stayed.
type sparseMove struct {
	index []int32
	value []float32
}

// keep remembers what the steps of the last fold at a rate have moved (N).
func (r *run) keep(rate float64, moved []float32) {
	if r.train.views.more == 0 {
		return
	}
	m := &sparseMove{}
	for i, v := range moved {
		if v != 0 {
			m.index, m.value = append(m.index, int32(i)), append(m.value, v)
		}
	}
	r.kept[len(r.kept)-1][rate] = m
}

// fold returns the support by the weights of a fold and of the vote that was chosen, whose examples are embed (n, dim): with their views where there are any
// and something changes.
func (r *run) fold(i int, result *Result, embed []float32) ([]float32, error) {
	v, dim := r.train.views, r.train.theta.Config.Dim
	if v.more == 0 || result.Rate == 0 {
		return embed, nil
	}
	flat, moved := r.train.theta.Flat, r.kept[i][result.Rate]
	copy(flat, r.first)
	part := make([]float32, len(moved.value))
	kernel.Axpy(part, float32(result.Part), moved.value)
	for k, at := range moved.index {
		flat[at] += part[k]
	}
	var batch []view
	for example := range v.task.Labels {
		for k := range v.more {
			batch = append(batch, view{example, v.each + k})
		}
	}
	changed, err := r.train.embed(batch)
	if err != nil {
		return nil, err
	}
	var all []float32
	for example := range v.task.Labels {
		all = append(all, embed[example*dim:(example+1)*dim]...)
		all = append(all, changed[example*v.more*dim:(example+1)*v.more*dim]...)
	}
	return all, nil
}
