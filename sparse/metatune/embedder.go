package metatune

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
)

// Embedder turns pictures into vectors. One goroutine uses one Embedder.
type Embedder interface {
	Dim() int
	// Embed writes the embeddings of pics to embed (len(pics), Dim()).
	Embed(embed []float32, pics []*picture.Picture)
}

// Method is a named way to embed, for a row of a table.
type Method struct {
	Name string
	// New makes one Embedder for one goroutine. When what it makes is Routed
	// or Tuned too, RunSuite evaluates the method task by task.
	New func() Embedder
	// Identity is what the embeddings depend on besides the pictures, such as
	// the hash of the weights: results kept under a name are used again only
	// for the same identity.
	Identity string
	// Head, if not empty, is the kind of head fitted to each support in place of the nearest prototype, or HeadChosen.
	Head fewshot.Kind
	// Shape is that of the method's experts; nil: it has none.
	Shape *Shape
	// embeds is the identity without the head: methods that share it embed a set once. Empty: Identity.
	embeds string
}

// embedding is equal for methods that embed alike; empty: none does.
func (m Method) embedding() string {
	if m.embeds != "" {
		return m.embeds
	}
	return m.Identity
}

// HeadChosen is what a task uses unasked: fewshot.Select without a kind.
const HeadChosen fewshot.Kind = "chosen"

// HeadViews is HeadChosen of all picture.Views of each example. The embedders have to be viewers.
const HeadViews fewshot.Kind = "views"

// WithHead is a method with another head on its embeddings.
func WithHead(m Method, kind fewshot.Kind) Method {
	m.embeds = m.Identity
	m.Name += ", head " + string(kind)
	m.Identity += " head " + string(kind)
	m.Head = kind
	if kind == HeadViews {
		plain := m.New
		if _, tuned := plain().(Tuned); !tuned { // one that is embeds the support's views for every head
			m.embeds += " views"
		}
		m.New = func() Embedder {
			e := plain()
			if v, ok := e.(viewer); ok {
				v.showViews(true)
			}
			return e
		}
	}
	return m
}

// viewer is an Embedder that can embed all picture.Views of a picture, one after the other: with showViews it writes (len(pics), picture.ViewCount, Dim())
// where it wrote (len(pics), Dim()). For one that is Routed or Tuned this goes for its task's weights alone.
type viewer interface {
	showViews(all bool)
	views() int // of a picture: 1 without showViews
}

// viewsOf is how many views of a picture an Embedder embeds.
func viewsOf(e Embedder) int {
	if v, ok := e.(viewer); ok {
		return v.views()
	}
	return 1
}

// Float is the float32 forward of a backbone at its own picture size.
func Float(name string, p *vit.Params[float32]) Method {
	m := floatAt(name, p, p.Config.ImageSize)
	sum := sha256.New()
	sum.Write(mustJSON(p.Config))
	var word [4]byte
	for _, v := range p.Flat {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		sum.Write(word[:])
	}
	m.Identity = hex.EncodeToString(sum.Sum(nil))
	return m
}

func floatAt(name string, p *vit.Params[float32], size int) Method {
	model := vit.NewModel(p)
	return Method{Name: name, New: func() Embedder {
		return &backbone{cfg: p.Config, size: size, act: vit.NewActivations[float32](false), forward: func(b *backbone, embed []float32, n int) {
			model.Forward(embed, b.images, n, size, b.act)
		}}
	}}
}

// Int8 is the int8 forward of the same weights, as the bundle computes it.
// The model owns buffers, so each goroutine gets its own copy by open. The
// caller sets the identity, the hash of the bundle.
func Int8(name string, cfg vit.Config, open func() *vit.Int8Model) Method {
	return Method{Name: name, New: func() Embedder {
		model := open()
		return &backbone{cfg: cfg, size: cfg.ImageSize, forward: int8Forward(model)}
	}}
}

// Random is a backbone straight from its initialisation: the baseline that
// shows what training adds to the architecture.
func Random(cfg vit.Config, seed uint64) Method {
	p := vit.NewParams[float32](cfg)
	p.Init(rand.New(rand.NewPCG(seed, 0)))
	return Float("random backbone", p)
}

// RawPixels is the baseline without any network: the picture reduced to 32
// pixels, centred to mean 0.
func RawPixels() Method {
	const size = 32
	return Method{Name: "raw pixels", New: func() Embedder { return pixelEmbedder(size) }}
}

type pixelEmbedder int

func (p pixelEmbedder) Dim() int { return int(p) * int(p) * 3 }

func (p pixelEmbedder) Embed(embed []float32, pics []*picture.Picture) {
	for i, pic := range pics {
		row := embed[i*p.Dim():][:p.Dim()]
		pic.Square(int(p)).Tensor(row, [3]float32{0.5, 0.5, 0.5}, [3]float32{1, 1, 1})
		var mean float32
		for _, v := range row {
			mean += v
		}
		mean /= float32(len(row))
		for j := range row {
			row[j] -= mean
		}
	}
}

// backbone feeds squared, normalised pictures to a forward function.
type backbone struct {
	cfg     vit.Config
	size    int
	all     bool // views of a picture, and not only the picture
	images  []float32
	act     *vit.Activations[float32]
	forward func(b *backbone, embed []float32, n int)
}

func (b *backbone) Dim() int { return b.cfg.Dim }

func (b *backbone) Embed(embed []float32, pics []*picture.Picture) {
	plane := 3 * b.size * b.size
	n := len(pics) * b.views()
	b.images = grow(&b.images, n*plane)
	to := b.images
	for _, pic := range pics {
		square := pic.Square(b.size)
		views := []*picture.Picture{square}
		if b.all {
			views = square.Views()
		}
		for _, view := range views {
			view.Tensor(to[:plane], b.cfg.Mean, b.cfg.Std)
			to = to[plane:]
		}
	}
	b.forward(b, embed, n)
}

func (b *backbone) showViews(all bool) { b.all = all }

func (b *backbone) views() int {
	if b.all {
		return picture.ViewCount
	}
	return 1
}

// embedBatch is how many pictures go through a backbone at once.
const embedBatch = 32

// Embeddings are the embedded pictures of a data set.
type Embeddings struct {
	Dim   int
	Data  *fewshot.Dataset
	views int         // of a picture
	rows  [][]float32 // (class) of (images, views, Dim)
}

// Image is the embedding of one picture, or those of its views.
func (e *Embeddings) Image(class, image int) []float32 {
	length := e.views * e.Dim
	return e.rows[class][image*length:][:length]
}

// EmbedDataset embeds every picture of d (at most perClass of each class, the
// first in order, when perClass > 0) over all cores.
func EmbedDataset(ctx context.Context, d *fewshot.Dataset, perClass int, method Method, progress Progress) (*Embeddings, error) {
	pics, err := decodeAll(ctx, d, perClass, progress)
	if err != nil {
		return nil, err
	}
	return embedPictures(ctx, d, pics, method, progress)
}

func embedPictures(ctx context.Context, d *fewshot.Dataset, pics [][]*picture.Picture, method Method, progress Progress) (*Embeddings, error) {
	e := method.New()
	out := &Embeddings{Dim: e.Dim(), Data: d, views: viewsOf(e), rows: make([][]float32, len(pics))}
	if _, routed := e.(Routed); routed {
		out.views = 1
	}
	length := out.views * out.Dim
	type job struct{ class, from, to int }
	var jobs []job
	for c := range pics {
		out.rows[c] = make([]float32, len(pics[c])*length)
		for i := 0; i < len(pics[c]); i += embedBatch {
			jobs = append(jobs, job{c, i, min(i+embedBatch, len(pics[c]))})
		}
	}
	err := eachCore(ctx, len(jobs), func() func(i int) {
		e := method.New()
		return func(i int) {
			j := jobs[i]
			e.Embed(out.rows[j.class][j.from*length:j.to*length], pics[j.class][j.from:j.to])
		}
	}, func(done int) { progress.report("embed "+d.Name+" by "+method.Name, done, len(jobs), "") })
	return out, err
}
