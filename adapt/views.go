package adapt

import "haguruma/core/picture"

// mostRows is how many views of all examples a head is fitted to at most, for its cost grows with their cube: where there are more than 80 examples, each has
// fewer views, and beyond 320 none but itself.
const mostRows = 640

// each is how many views of an example the head is fitted to.
func (r *run) each(support []member) int {
	if !r.options.Views {
		return 1
	}
	return max(min(picture.ViewCount, mostRows/len(support)), 1)
}

// views returns the embeddings of the examples and of their changed views at some weights (n, each, dim), the first of each as in embed (n, dim). Those by the
// backbone alone are kept, for they are the same in every adaptation.
func (r *run) views(w *weights, embed []float32, support []member) (all []float32, each int, err error) {
	if each = r.each(support); each == 1 {
		return embed, 1, nil
	}
	dim, network := r.task.dim, r.task.embedderOf(w)
	all = make([]float32, len(support)*each*dim)
	r.begin(StepViews, len(support))
	for i, m := range support {
		if err := r.next(i); err != nil {
			return nil, 0, err
		}
		rows := all[i*each*dim : (i+1)*each*dim]
		copy(rows, embed[i*dim:(i+1)*dim])
		changed := rows[dim:]
		if !w.changed() && len(m.x.changed) >= len(changed) {
			copy(changed, m.x.changed)
			continue
		}
		pic, err := m.x.picture("views need")
		if err != nil {
			return nil, 0, err
		}
		for k, view := range network.Reduce(pic).Views()[1:each] {
			row, err := r.task.embed(network, view)
			if err != nil {
				return nil, 0, err
			}
			copy(changed[k*dim:], row)
		}
		if !w.changed() {
			m.x.changed = changed
		}
	}
	return all, each, nil
}
