package adapt

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"haguruma/core/picture"
)

// MaxNameRunes is the longest name of a class, in Unicode code points after trimming.
const MaxNameRunes = 100

// Embedder turns a picture into the row of numbers that classes are compared by.
type Embedder interface {
	// Dim is the length of every embedding; it never changes.
	Dim() int
	// Reduce returns what Embed sees of a picture, which may be the picture itself: its embedding is the same. The task keeps it with an
	// example, to embed it again with other weights.
	Reduce(pic *picture.Picture) *picture.Picture
	// Embed returns an embedding of length Dim. The task copies it, so the slice may be reused.
	Embed(pic *picture.Picture) ([]float32, error)
}

// Task holds classes and examples in the order they were added, and the adaptations that were taken. Ids start
// at 1, are never reused and stay the same under renaming and relabelling. Not safe for concurrent use.
type Task struct {
	embedder Embedder
	dim      int
	classes  []*class
	examples map[int]*example
	lastID   struct{ class, example, version int }

	inUse    *Version   // nil at version 0
	versions []*Version // by rising number
	forward  []*Version // what Forward goes to, the next one last
	revision int        // counts changes of examples and classes

	experts Experts    // nil: none
	off     bool       // experts are not used
	merged  []*weights // that hold a copy of the backbone, the one used last at the end
}

type class struct {
	id       int
	name     string
	examples []*example
}

// Class is what [Task.Classes] tells of a class.
type Class struct {
	ID       int
	Name     string
	Examples []int // ids in the order they came to the class
}

// NewTask returns a task without classes and experts. The embedder is called by AddExample and Classify only.
func NewTask(e Embedder) *Task {
	dim := e.Dim()
	if dim <= 0 {
		panic("adapt: NewTask: Dim() must be positive")
	}
	return &Task{embedder: e, dim: dim, examples: make(map[int]*example)}
}

// Dim returns the length of an embedding.
func (t *Task) Dim() int { return t.dim }

// Classes returns the classes in order; nothing in it is shared with the task.
func (t *Task) Classes() []Class {
	classes := make([]Class, len(t.classes))
	for i, c := range t.classes {
		classes[i] = Class{ID: c.id, Name: c.name, Examples: make([]int, len(c.examples))}
		for j, x := range c.examples {
			classes[i].Examples[j] = x.id
		}
	}
	return classes
}

// AddClass appends a class and returns its id. White space around the name is dropped. ErrBadName: the name
// is empty, longer than MaxNameRunes, not UTF-8 or has control characters. ErrDuplicateClass: another
// class has exactly this name.
func (t *Task) AddClass(name string) (id int, err error) { return t.AddClassAs(0, name) }

// AddClassAs is AddClass with an id of a front that keeps them; 0: the next one. Ids given later are above it. ErrTakenID: a class has it.
func (t *Task) AddClassAs(id int, name string) (int, error) {
	name, err := t.checkName(name, nil)
	if err != nil {
		return 0, err
	}
	if _, err := t.class(id); err == nil || id < 0 {
		return 0, &Error{Code: CodeTakenID, Message: fmt.Sprintf("the id %d is not free", id), Class: id}
	}
	id = nextID(&t.lastID.class, id)
	t.classes = append(t.classes, &class{id: id, name: name})
	t.revision++
	return id, nil
}

// nextID returns id, or the one after last for 0, and makes last the highest.
func nextID(last *int, id int) int {
	if id == 0 {
		id = *last + 1
	}
	*last = max(*last, id)
	return id
}

// RenameClass gives a class another name, at once also in what Classify returns. Errors: ErrUnknownClass and
// those of AddClass.
func (t *Task) RenameClass(id int, name string) error {
	c, err := t.class(id)
	if err != nil {
		return err
	}
	name, err = t.checkName(name, c)
	if err != nil {
		return err
	}
	c.name = name
	return nil
}

// RemoveClass removes a class with its examples. What is in use forgets the class at once, as a new version whose logits for the other classes are what
// they were; with fewer than two classes left in it, version 0 is in use. ErrUnknownClass: no such class.
func (t *Task) RemoveClass(id int) error {
	c, err := t.class(id)
	if err != nil {
		return err
	}
	for _, x := range c.examples {
		delete(t.examples, x.id)
	}
	t.classes = slices.DeleteFunc(t.classes, func(other *class) bool { return other == c })
	t.revision++
	if t.inUse != nil {
		if at := slices.IndexFunc(t.inUse.Classes, func(n Named) bool { return n.ID == id }); at >= 0 {
			if len(t.inUse.Classes) > 2 {
				t.take(t.inUse.without(at, t.dim))
			} else {
				t.inUse, t.forward = nil, nil
			}
		}
	}
	for _, x := range c.examples {
		x.forget()
	}
	return nil
}

func (t *Task) class(id int) (*class, error) {
	for _, c := range t.classes {
		if c.id == id {
			return c, nil
		}
	}
	return nil, &Error{Code: CodeUnknownClass, Message: fmt.Sprintf("there is no class %d", id), Class: id}
}

// checkName returns the trimmed name if a class may have it; self is the class being renamed, or nil.
func (t *Task) checkName(name string, self *class) (string, error) {
	bad := func(message string) (string, error) {
		return "", &Error{Code: CodeBadName, Message: message, Name: name}
	}
	trimmed := strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(trimmed); {
	case !utf8.ValidString(name):
		return bad("the name of the class is not valid text")
	case n == 0:
		return bad("the class needs a name")
	case n > MaxNameRunes:
		return bad(fmt.Sprintf("the name of the class has %d characters, more than %d", n, MaxNameRunes))
	case strings.ContainsFunc(trimmed, unicode.IsControl):
		return bad("the name of the class has control characters")
	}
	for _, c := range t.classes {
		if c != self && c.name == trimmed {
			return "", &Error{Code: CodeDuplicateClass, Message: fmt.Sprintf("there is already a class %q", trimmed), Class: c.id, Name: trimmed}
		}
	}
	return trimmed, nil
}
