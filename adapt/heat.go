package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/picture"
)

// Patcher is an Embedder that also tells what it makes of each patch of a picture, as [Backbone] does.
type Patcher interface {
	Embedder
	// Patches returns the embedding and the patches (side*side, Dim), row by row from the upper left of what Reduce returns.
	Patches(pic *picture.Picture) (embed, patches []float32, side int)
}

// Heat says where a picture speaks for a class and against the others, by the head in use: a grid (side*side) row by row, of what Reduce shows of the
// picture; see fewshot.Head.Heat for the numbers. Above 0 is for the class. Errors: ErrNotAdapted; ErrUnknownClass for a class that the version in use does
// not have; ErrBadEmbedding; ErrNoPatches when the embedder is no [Patcher].
func (t *Task) Heat(pic *picture.Picture, class int) (grid []float32, side int, err error) {
	l := t.InUse()
	if l == nil {
		return nil, 0, notAdapted()
	}
	at := slices.IndexFunc(t.inUse.Classes, func(n Named) bool { return n.ID == class })
	if at < 0 {
		return nil, 0, &Error{Code: CodeUnknownClass, Message: fmt.Sprintf("the version in use has no class %d", class), Class: class}
	}
	p, ok := t.Merged().(Patcher)
	if !ok {
		return nil, 0, &Error{Code: CodeNoPatches, Message: "this backbone does not tell what it makes of patches"}
	}
	embed, patches, side := p.Patches(pic)
	if err := t.checkEmbedding(embed); err != nil {
		return nil, 0, err
	}
	grid = make([]float32, side*side)
	l.Head.Heat(grid, patches, embed, at)
	return grid, side, nil
}
