package adapt

import (
	"fmt"
	"math"
	"slices"

	"haguruma/core/kernel"
	"haguruma/core/picture"
)

// example is what the task and its versions share; one that was removed keeps its id only.
type example struct {
	id    int
	class *class           // nil: removed
	embed []float32        // (dim) as the embedder gave it
	pic   *picture.Picture // what the embedder sees; nil: not known

	byWeights map[*weights][]float32 // (dim) by other weights, of versions
	changed   []float32              // (.., dim) of its changed views as the embedder gave them, as many as were asked for
}

// see keeps the embedding at some weights.
func (x *example) see(w *weights, embed []float32) {
	if x.byWeights == nil {
		x.byWeights = map[*weights][]float32{}
	}
	x.byWeights[w] = embed
}

// forget lets go of all that a removed example holds: versions still name it.
func (x *example) forget() { *x = example{id: x.id} }

// picture returns what the embedder sees of an example; ErrNoPicture where that is not known, for one who needs it ("experts need").
func (x *example) picture(who string) (*picture.Picture, error) {
	if x.pic == nil {
		return nil, &Error{Code: CodeNoPicture, Message: fmt.Sprintf("the picture of example %d is not known, which %s", x.id, who), Example: x.id}
	}
	return x.pic, nil
}

// AddExample embeds one picture, only this one, and appends it to a class. Of the picture, what the embedder sees is kept.
// Errors: ErrUnknownClass, ErrBadEmbedding, ErrContradiction when another class has the picture, or what the embedder returned, wrapped.
func (t *Task) AddExample(class int, pic *picture.Picture) (id int, err error) {
	return t.AddExampleAs(0, class, pic)
}

// AddExampleAs is AddExample with an id of a front that keeps them; 0: the next one. ErrTakenID: an example has it.
func (t *Task) AddExampleAs(id, class int, pic *picture.Picture) (int, error) {
	if _, err := t.class(class); err != nil { // before the costly step
		return 0, err
	}
	reduced := t.embedder.Reduce(pic)
	embed, err := t.embed(t.embedder, reduced)
	if err != nil {
		return 0, err
	}
	return t.AddEmbeddingAs(id, class, embed, reduced)
}

// AddEmbedding is AddExample for an embedding of length Dim that was made before, by the weights without experts; it is copied. pic is what
// the embedder sees of the picture (Embedder.Reduce), which is kept; nil where it is not known: experts cannot be used then.
func (t *Task) AddEmbedding(class int, embed []float32, pic *picture.Picture) (id int, err error) {
	return t.AddEmbeddingAs(0, class, embed, pic)
}

// AddEmbeddingAs is AddEmbedding with an id, as AddExampleAs.
func (t *Task) AddEmbeddingAs(id, class int, embed []float32, pic *picture.Picture) (int, error) {
	c, err := t.class(class)
	if err != nil {
		return 0, err
	}
	if err := t.checkEmbedding(embed); err != nil {
		return 0, err
	}
	if same := t.twins(embed, c); len(same) > 0 {
		other := same[0]
		return 0, &Error{
			Code: CodeContradiction, Message: fmt.Sprintf("the picture is example %d of class %q already", other.id, other.class.name),
			Class: other.class.id, Name: other.class.name, Example: other.id,
		}
	}
	if _, err := t.example(id); err == nil || id < 0 {
		return 0, &Error{Code: CodeTakenID, Message: fmt.Sprintf("the id %d is not free", id), Example: id}
	}
	x := &example{id: nextID(&t.lastID.example, id), class: c, embed: slices.Clone(embed), pic: pic}
	t.examples[x.id] = x
	c.examples = append(c.examples, x)
	t.revision++
	return x.id, nil
}

// RemoveExample removes an example from its class. ErrUnknownExample: no such example.
func (t *Task) RemoveExample(id int) error {
	x, err := t.example(id)
	if err != nil {
		return err
	}
	x.class.drop(x)
	delete(t.examples, id)
	x.forget()
	t.revision++
	return nil
}

// Relabel moves an example to the end of another class; it keeps its id. Moving it to the class it is
// in changes nothing. When the other class has the same picture, [Task.Review] lists both and Adapt refuses. Errors: ErrUnknownExample, ErrUnknownClass.
func (t *Task) Relabel(id, class int) error {
	x, err := t.example(id)
	if err != nil {
		return err
	}
	c, err := t.class(class)
	if err != nil || c == x.class {
		return err
	}
	x.class.drop(x)
	x.class = c
	c.examples = append(c.examples, x)
	t.revision++
	return nil
}

// Embedding returns a copy of the embedding of an example without experts, (dim). ErrUnknownExample: no such example.
func (t *Task) Embedding(id int) ([]float32, error) {
	x, err := t.example(id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(x.embed), nil
}

// Picture returns what the embedder sees of an example; nil where that is not known, or there is no such example.
func (t *Task) Picture(id int) *picture.Picture {
	if x, ok := t.examples[id]; ok {
		return x.pic
	}
	return nil
}

func (c *class) drop(x *example) {
	c.examples = slices.DeleteFunc(c.examples, func(other *example) bool { return other == x })
}

func (t *Task) example(id int) (*example, error) {
	if x, ok := t.examples[id]; ok {
		return x, nil
	}
	return nil, &Error{Code: CodeUnknownExample, Message: fmt.Sprintf("there is no example %d", id), Example: id}
}

// embed runs an embedder and checks what it gave.
func (t *Task) embed(e Embedder, pic *picture.Picture) ([]float32, error) {
	embed, err := e.Embed(pic)
	if err != nil {
		return nil, fmt.Errorf("adapt: embed: %w", err)
	}
	return embed, t.checkEmbedding(embed)
}

func (t *Task) checkEmbedding(embed []float32) error {
	if len(embed) != t.dim {
		return &Error{Code: CodeBadEmbedding, Message: fmt.Sprintf("want an embedding of %d numbers, have %d", t.dim, len(embed))}
	}
	// The square of the length is finite only when every number is, and none is NaN.
	if !(kernel.Dot(embed, embed) <= math.MaxFloat32) {
		return &Error{Code: CodeBadEmbedding, Message: "the embedding is not finite"}
	}
	return nil
}
