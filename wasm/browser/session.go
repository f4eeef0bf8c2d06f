//go:build js && wasm

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"

	"haguruma/adapt"
	"haguruma/core/kernel"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// session is what one Worker holds: a backbone, its experts and the user's task on it.
type session struct {
	border  *border
	eye     *adapt.Backbone
	experts *adapt.BackboneExperts // nil before openExperts
	task    *adapt.Task

	adapting *adapting // nil: none on its way

	// The weights that embed merged last: those of another Worker's task.
	lent       adapt.Embedder
	lentScores []float32
}

// named is a verb of a session.
type named struct {
	name string
	call func(s *session, a *arguments) (any, error)
}

// verbs of a session, in a table: a map of bound methods is ten times the code.
var verbs = []named{
	{"open", (*session).open},
	{"openExperts", (*session).openExperts},
	{"useExperts", (*session).useExperts},
	{"embed", (*session).embed},
	{"addClass", (*session).addClass},
	{"renameClass", (*session).renameClass},
	{"removeClass", (*session).removeClass},
	{"addExample", (*session).addExample},
	{"addEmbedding", (*session).addEmbedding},
	{"removeExample", (*session).removeExample},
	{"relabel", (*session).relabel},
	{"adapt", (*session).adapt},
	{"adaptNext", (*session).adaptNext},
	{"history", (*session).history},
	{"useVersion", (*session).useVersion},
	{"forgetHistory", (*session).forgetHistory},
	{"review", (*session).review},
	{"explain", (*session).explain},
	{"heat", (*session).heat},
	{"classify", (*session).classify},
	{"classifyEmbedding", (*session).classifyEmbedding},
	{"memory", (*session).memory},
	{"pack", (*session).pack},
	{"recall", (*session).recall},
	{"adapterClasses", (*session).adapterClasses},
	{"remember", (*session).remember},
	{"chain", (*session).chain},
	{"journal", (*session).journal},
}

// open(bundle, sha256) reads the bundle. It can be called again after it failed.
func (s *session) open(a *arguments) (any, error) {
	file, err := s.file(a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errBundle)
	}
	model, err := vit.OpenInt8(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errBundle)
	}
	s.eye = adapt.NewBackbone(model)
	s.task = adapt.NewTask(s.eye)
	return object("dim imageSize kernel card", s.eye.Dim(), s.eye.Config().ImageSize, kernel.Body(), model.Metadata["card"]), nil
}

// file reads the arguments (bytes, sha256): a safetensors file with the bytes that the manifest names; "" when that has been checked.
func (s *session) file(a *arguments) (*tensorfile.File, error) {
	data, err := a.owned() // not the shared buffer: a bundle is ten times a picture, and needed once
	want := a.string()
	if err == nil {
		err = a.err
	}
	if err != nil {
		return nil, err
	}
	if want != "" {
		if have := tensorfile.Hash(data); have != want {
			return nil, fmt.Errorf("browser: %s: want sha256 %s, have %s: %w", a.verb, want, have, errHash)
		}
	}
	return tensorfile.Decode(data)
}

// ready reports what is wrong with a call: its arguments, or its time.
func (s *session) ready(a *arguments) error {
	if a.err != nil {
		return a.err
	}
	if s.task == nil {
		return fmt.Errorf("browser: %s before open: %w", a.verb, errUsage)
	}
	return nil
}

// embed(bytes, width, height, thumbnail, scores) returns the embedding as little-endian float32, by the weights with the experts merged at
// the scores, or the backbone alone for none; and the square that the backbone sees, as RGB.
func (s *session) embed(a *arguments) (any, error) {
	pic, err := s.picture(a)
	if err != nil {
		return nil, err
	}
	thumbnail, err := s.thumbnail(a, pic)
	if err != nil {
		return nil, err
	}
	eye, err := s.weights(a)
	if err != nil {
		return nil, err
	}
	square := s.eye.Reduce(pic)
	embed, err := eye.Embed(square)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, 4*len(embed))
	for _, v := range embed {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	array, err := s.border.out(data)
	if err != nil {
		return nil, err
	}
	pixels, err := s.border.out(square.Pix)
	if err != nil {
		return nil, err
	}
	return object("embed square thumbnail", array, pixels, thumbnail), nil
}

// addClass(name, id), without an id the next one.
func (s *session) addClass(a *arguments) (any, error) {
	name, id := a.string(), a.id()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return s.task.AddClassAs(id, name)
}

func (s *session) renameClass(a *arguments) (any, error) {
	class, name := a.int(), a.string()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return nil, s.task.RenameClass(class, name)
}

func (s *session) removeClass(a *arguments) (any, error) {
	class := a.int()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return nil, s.task.RemoveClass(class)
}

// addExample(class, bytes, width, height, thumbnail, id), without an id the next one
func (s *session) addExample(a *arguments) (any, error) {
	class := a.int()
	pic, err := s.picture(a)
	if err != nil {
		return nil, err
	}
	thumbnail, err := s.thumbnail(a, pic)
	if err != nil {
		return nil, err
	}
	id := a.id()
	if a.err != nil {
		return nil, a.err
	}
	example, err := s.task.AddExampleAs(id, class, pic)
	if err != nil {
		return nil, err
	}
	return object("id width height thumbnail", example, pic.Width, pic.Height, thumbnail), nil
}

// addEmbedding(class, embed, square, id): both as embed gave them, without scores. Without the square the example is of no use to experts.
func (s *session) addEmbedding(a *arguments) (any, error) {
	class := a.int()
	embed, err := s.embedding(a)
	if err != nil {
		return nil, err
	}
	if !a.more() {
		return s.task.AddEmbedding(class, embed, nil)
	}
	pix, err := a.owned()
	if err != nil {
		return nil, err
	}
	side := s.eye.Config().ImageSize
	if want := 3 * side * side; len(pix) != want {
		return nil, fmt.Errorf("browser: %s: square: want %d bytes, have %d: %w", a.verb, want, len(pix), errUsage)
	}
	square := &picture.Picture{Width: side, Height: side, Pix: pix}
	id := a.id()
	if a.err != nil {
		return nil, a.err
	}
	return s.task.AddEmbeddingAs(id, class, embed, square)
}

func (s *session) removeExample(a *arguments) (any, error) {
	example := a.int()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return nil, s.task.RemoveExample(example)
}

// classify(bytes, width, height, thumbnail)
func (s *session) classify(a *arguments) (any, error) {
	pic, err := s.picture(a)
	if err != nil {
		return nil, err
	}
	thumbnail, err := s.thumbnail(a, pic)
	if err != nil {
		return nil, err
	}
	answer, err := s.task.Ask(pic)
	if err != nil {
		return nil, err
	}
	return answered(answer, thumbnail), nil
}

// classifyEmbedding(embed, scores): as embed gave it with these scores, which must be those in use.
func (s *session) classifyEmbedding(a *arguments) (any, error) {
	embed, err := s.embedding(a)
	if err != nil {
		return nil, err
	}
	if err := s.sameWeights(a); err != nil {
		return nil, err
	}
	answer, err := s.task.AskEmbedding(embed)
	if err != nil {
		return nil, err
	}
	return answered(answer, nil), nil
}

func answered(answer *adapt.Answer, thumbnail any) map[string]any {
	return object("scores unknown likeness unknownBelow version thumbnail", list(len(answer.Scores), func(i int) any {
		s := answer.Scores[i]
		return object("class name probability nearest nearestCosine", s.Class, s.Name, float64(s.Probability), s.Nearest, float64(s.NearestCosine))
	}), answer.Unknown, float64(answer.Likeness), float64(answer.UnknownBelow), answer.Version, thumbnail)
}

// memory() collects and returns what is left.
func (s *session) memory(a *arguments) (any, error) {
	if a.err != nil {
		return nil, a.err
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return object("heapBytes heapObjects", float64(m.HeapAlloc), float64(m.HeapObjects)), nil
}

// picture reads the arguments (bytes, width, height): a file when width and height are 0, else RGBA pixels.
func (s *session) picture(a *arguments) (*picture.Picture, error) {
	array, length := a.bytes()
	width, height := a.int(), a.int()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	if limit := picture.DefaultLimits.MaxBytes; length > limit && width == 0 && height == 0 {
		return nil, fmt.Errorf("browser: %s: want at most %d bytes, have %d: %w", a.verb, limit, length, picture.ErrTooLarge)
	}
	data, err := s.border.in(array, length)
	if err != nil {
		return nil, err
	}
	if width == 0 && height == 0 {
		return picture.Decode(data, picture.DefaultLimits)
	}
	return picture.FromRGBA(data, width, height)
}

// embedding reads the argument (embed): what embed gave, in this Worker or in another one.
func (s *session) embedding(a *arguments) ([]float32, error) {
	embed, err := s.floats(a)
	if err == nil && len(embed) != s.eye.Dim() {
		err = fmt.Errorf("browser: %s: embedding: want %d bytes, have %d: %w", a.verb, 4*s.eye.Dim(), 4*len(embed), errUsage)
	}
	return embed, err
}

// maxFloats is more than any embedding or list of scores has.
const maxFloats = 1 << 16

// floats reads an argument of little-endian float32.
func (s *session) floats(a *arguments) ([]float32, error) {
	array, length := a.bytes()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	if length%4 != 0 || length > 4*maxFloats {
		return nil, fmt.Errorf("browser: %s: want float32 numbers, have %d bytes: %w", a.verb, length, errUsage)
	}
	data, err := s.border.in(array, length)
	if err != nil {
		return nil, err
	}
	x := make([]float32, length/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x, nil
}

// maxThumbnail is the largest side of a thumbnail, pixels.
const maxThumbnail = 512

// thumbnail reads the argument (side) and returns the picture as the backbone sees it, at that size, as RGBA; nil for
// side 0.
func (s *session) thumbnail(a *arguments, pic *picture.Picture) (any, error) {
	side := a.int()
	if a.err != nil {
		return nil, a.err
	}
	if side < 0 || side > maxThumbnail {
		return nil, fmt.Errorf("browser: %s: thumbnail: want 0..%d, have %d: %w", a.verb, maxThumbnail, side, errUsage)
	}
	if side == 0 {
		return nil, nil
	}
	square := pic.Square(side)
	rgba := make([]byte, 4*side*side)
	for i := range side * side {
		copy(rgba[4*i:4*i+3], square.Pix[3*i:3*i+3])
		rgba[4*i+3] = 255
	}
	return s.border.out(rgba)
}
