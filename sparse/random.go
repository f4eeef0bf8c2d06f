package sparse

import "math/rand/v2"

// RandomExperts are experts that nobody has learned, to time and to test what carries experts: every mask opens each scalar with a chance of
// density, the delta is normal with the deviation, in codes, and the router reads embeddings of dim numbers, a multiple of 4.
func RandomExperts(tensors []Tensor, experts int, density, deviation float64, dim int, rng *rand.Rand) *Experts {
	values := make([]float32, scalars(tensors))
	for i := range values {
		values[i] = float32(rng.NormFloat64() * deviation)
	}
	e := &Experts{Tensors: tensors, Delta: NewDelta(tensors, values), Temperature: 1, Steps: DefaultSteps}
	for range experts {
		z := make([]float32, len(values))
		for i := range z {
			if rng.Float64() < density {
				z[i] = 1
			}
		}
		e.Masks = append(e.Masks, NewMask(z))
	}
	e.CloseDelta()
	e.RoundDelta()
	e.Router = NewRouter[float32](RouterConfig{Dim: dim, Experts: experts, Heads: 4, MLPDim: 2 * dim, Tokens: 4, Read: ReadSkills, Eps: 1e-5})
	e.Router.Init(rng)
	return e
}
