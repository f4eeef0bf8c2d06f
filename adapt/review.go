package adapt

import (
	"fmt"
	"slices"
)

// Doubt is an example to look at, and why.
type Doubt struct {
	Judged
	Twin int // id of an example of another class with the same picture; 0: none, the other examples contradict the label
}

// Review lists the examples whose label is in doubt, the worst first: pictures that are in two classes, then examples that the others take for another
// class, by how sure they are of it. Without leave-one-out, of what is in use or, when that is not of the examples there are, of prototypes, only the
// former are found.
func (t *Task) Review() []Doubt {
	var list []Doubt
	twins := map[int]bool{}
	for _, pair := range t.contradictions() {
		a, b := pair[0], pair[1]
		list = append(list, Doubt{Judged{Example: a.id, Class: a.class.id, Said: b.class.id}, b.id}, Doubt{Judged{Example: b.id, Class: b.class.id, Said: a.class.id}, a.id})
		twins[a.id], twins[b.id] = true, true
	}
	var out *LeaveOneOut
	if t.Stale() {
		out = t.LeaveOneOut()
	} else {
		out = t.InUse().LeaveOneOut
	}
	if out == nil {
		return list
	}
	for _, i := range descending(len(out.Judged), func(i int) float32 { return out.Judged[i].Saying - out.Judged[i].Probability }) {
		if j := out.Judged[i]; j.Said != j.Class && !twins[j.Example] {
			list = append(list, Doubt{Judged: j})
		}
	}
	return list
}

// contradictions lists pairs of examples with the same embedding in different classes: the same picture, but for none of them both labels can be
// right.
func (t *Task) contradictions() (pairs [][2]*example) {
	for _, c := range t.classes {
		for _, x := range c.examples {
			for _, other := range t.twins(x.embed, c) {
				if other.id < x.id {
					pairs = append(pairs, [2]*example{other, x})
				}
			}
		}
	}
	return pairs
}

// twins returns the examples with this embedding in other classes than c.
func (t *Task) twins(embed []float32, c *class) (same []*example) {
	for _, other := range t.classes {
		if other == c {
			continue
		}
		for _, x := range other.examples {
			if slices.Equal(x.embed, embed) {
				same = append(same, x)
			}
		}
	}
	return same
}

// contradiction is the error of one picture in two classes.
func contradiction(a, b *example) *Error {
	return &Error{
		Code: CodeContradiction, Message: fmt.Sprintf("examples %d of class %q and %d of class %q are the same picture", a.id, a.class.name, b.id, b.class.name),
		Class: a.class.id, Name: a.class.name, Example: a.id, Other: b.id,
	}
}
