package fewshot

// NewSupportOfViews is [NewSupport] of examples that were embedded several times each: as they are, and turned, shifted or in other light. Ridge is fitted to
// all views. All else that a support knows is of the examples as they are: their prototypes, LDA, and what the leave-one-out judges, which leaves out all
// views of an example with it. The cost of ridge grows with the cube of n*each.
//
//	embed   (n, each, dim)  n = len(labels); view 0 of each is the example as it is
//	labels  (n)             0..way-1
//	each    1 or more; 1 is NewSupport
//
// It panics as NewSupport does.
func NewSupportOfViews(embed []float32, labels []int, way, dim, each int) *Support {
	if each == 1 {
		return NewSupport(embed, labels, way, dim)
	}
	own, wide := make([]float32, len(labels)*dim), make([]int, len(labels)*each)
	for i := range wide {
		wide[i] = labels[i/each]
		if i%each == 0 {
			copy(own[i/each*dim:], embed[i*dim:(i+1)*dim])
		}
	}
	s := NewSupport(own, labels, way, dim)
	s.views, s.each = NewSupport(embed, wide, way, dim), each
	return s
}

// Prototypes writes the prototypes (way, dim) of the examples as they are, as the function of this name does.
func (s *Support) Prototypes(p []float32) { Prototypes(p, s.embed, s.Labels, s.Way, s.Dim) }

// rows are what ridge is fitted to, and how many of them an example has.
func (s *Support) rows() (of *Support, each int) {
	if s.views == nil {
		return s, 1
	}
	return s.views, s.each
}
