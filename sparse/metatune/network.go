package metatune

import (
	"haguruma/core/kernel"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Network is what meta-tuning adapts: anything that turns inputs into embeddings by a flat vector of weights. It knows nothing of
// experts, and meta-tuning knows no more of it than this.
type Network interface {
	Tensors() []sparse.Tensor // of the weights, in flat order
	Dim() int                 // width of an embedding
	InputLen() int            // numbers an input
	NewRun() Run
}

// Run is a network at weights of its own. One goroutine uses a Run at a time.
type Run interface {
	// Weights are the run's (N), to be written before Forward.
	Weights() []float32
	// Forward writes the embeddings (n, Dim) of inputs (n, InputLen); keep holds what Backward needs.
	Forward(embed, inputs []float32, n int, keep bool)
	// Backward adds the gradient of the weights to grad (N), from that of the embeddings (n, Dim) of the last Forward with keep, which it
	// uses up.
	Backward(grad, dEmbed []float32)
}

// ViT is a backbone as a Network, for pictures of size x size pixels.
func ViT(c vit.Config, size int) Network { return &vitNetwork{c, size, vit.NewParams[float32](c)} }

type vitNetwork struct {
	config vit.Config
	size   int
	shape  *vit.Params[float32] // for its tensors; its weights are never read
}

func (v *vitNetwork) Tensors() []sparse.Tensor { return sparse.BackboneTensors(v.shape) }
func (v *vitNetwork) Dim() int                 { return v.config.Dim }
func (v *vitNetwork) InputLen() int            { return 3 * v.size * v.size }

func (v *vitNetwork) NewRun() Run {
	p := vit.NewParams[float32](v.config)
	return &vitRun{network: v, params: p, grad: vit.NewParams[float32](v.config), model: vit.NewModel(p)}
}

// vitRun runs a batch in pieces that stay in cache (vit.Model.Forward), each with activations of its own.
type vitRun struct {
	network *vitNetwork
	params  *vit.Params[float32]
	grad    *vit.Params[float32]
	model   *vit.Model[float32]
	kept    []*vit.Activations[float32]
	plain   *vit.Activations[float32]
	n       int // inputs of the Forward that was kept
}

// runPiece is the pictures that go through the backbone at once.
const runPiece = 8

func (r *vitRun) Weights() []float32 { return r.params.Flat }

func (r *vitRun) Forward(embed, inputs []float32, n int, keep bool) {
	dim, length := r.network.Dim(), r.network.InputLen()
	if r.plain == nil {
		r.plain = vit.NewActivations[float32](false)
	}
	if keep {
		r.n = n
	}
	for i, at := 0, 0; at < n; i, at = i+1, at+runPiece {
		count := min(runPiece, n-at)
		act := r.plain
		if keep {
			if i == len(r.kept) {
				r.kept = append(r.kept, vit.NewActivations[float32](true))
			}
			act = r.kept[i]
		}
		r.model.Forward(embed[at*dim:(at+count)*dim], inputs[at*length:(at+count)*length], count, r.network.size, act)
	}
}

func (r *vitRun) Backward(grad, dEmbed []float32) {
	dim := r.network.Dim()
	clear(r.grad.Flat)
	for i, at := 0, 0; at < r.n; i, at = i+1, at+runPiece {
		r.model.Backward(r.grad, dEmbed[at*dim:min(at+runPiece, r.n)*dim], r.kept[i])
	}
	kernel.Add(grad, r.grad.Flat)
	r.n = 0
}
