package sparse

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"haguruma/core/kernel"
)

// Unit says what one gate opens.
type Unit string

const (
	UnitScalar Unit = "scalar" // one weight: unstructured masks, the paper's
	UnitColumn Unit = "column" // one input of a matrix, all its rows; in a vector one element
	UnitRow    Unit = "row"    // one output of a matrix, all its columns; in a vector one element
)

// GatesConfig says which scalars have gates.
type GatesConfig struct {
	Experts int  `json:"experts"`
	Gate    Gate `json:"gate"`
	Unit    Unit `json:"unit"`
	// Tensors are patterns of path.Match over tensor names, such as "blocks.*.mlp.fc2.weight"; what no pattern names has no gates: its masks
	// are closed. "#i/n" behind a pattern takes the part i = 0, 1, ... of n equal parts of the rows: "blocks.*.attn.qkv.weight#2/3" is the
	// values' third. A tensor belongs to the first pattern that matches. None: every tensor has gates.
	Tensors []string `json:"tensors,omitempty"`
}

// maxExperts bounds what a file may ask for; the paper studies 4, 8 and 16.
const maxExperts = 64

// Check returns an error that wraps ErrConfig when there can be no such gates.
func (c GatesConfig) Check() error {
	if c.Experts < 1 || c.Experts > maxExperts {
		return fmt.Errorf("sparse: experts: want 1..%d, have %d: %w", maxExperts, c.Experts, ErrConfig)
	}
	if !c.Gate.Known() {
		return fmt.Errorf("sparse: gate: want %q, %q or %q, have %q: %w", GateBinary, GateConcrete, GateParity, c.Gate, ErrConfig)
	}
	if c.Unit != UnitScalar && c.Unit != UnitColumn && c.Unit != UnitRow {
		return fmt.Errorf("sparse: unit: want %q, %q or %q, have %q: %w", UnitScalar, UnitColumn, UnitRow, c.Unit, ErrConfig)
	}
	for _, p := range c.Tensors {
		if _, err := parsePattern(p); err != nil {
			return fmt.Errorf("sparse: tensors: pattern %q: %w: %w", p, err, ErrConfig)
		}
	}
	return nil
}

// pattern is one of GatesConfig.Tensors.
type pattern struct {
	name     string
	part, of int
}

func parsePattern(text string) (pattern, error) {
	name, rows, some := strings.Cut(text, "#")
	p := pattern{name, 0, 1}
	if _, err := path.Match(name, ""); err != nil {
		return p, err
	}
	if some {
		if n, err := fmt.Sscanf(rows+"\n", "%d/%d\n", &p.part, &p.of); n != 2 || err != nil || p.part < 0 || p.of < 1 || p.part >= p.of {
			return p, fmt.Errorf("want #i/n with 0 <= i < n, have #%s", rows)
		}
	}
	return p, nil
}

// Gates are the learned masks of all experts.
type Gates[F Float] struct {
	Config   GatesConfig
	Tensors  []Tensor // of the backbone
	LogAlpha [][]F    // (M) of (G)
	Z        [][]F    // (M) of (N): what Refresh made of LogAlpha

	spans   []span
	scratch []F // (G)
}

// span is the gates [at : at+n] of the scalars [start : start+rows*cols]; gates are cols for UnitColumn, rows for UnitRow. Gates of single scalars
// come in spans of PieceLen at most, so that what several passes over a span read and write stays in a core's cache.
type span struct{ start, at, n, rows, cols int }

func (s span) len() int { return s.rows * s.cols }

// PieceLen is how many gates are worked on at a time where several arrays of their size are read and written.
const PieceLen = 4096

// NewGates returns gates with LogAlpha 0 and Z 0. It wraps ErrConfig when the config does not pass Check or no tensor matches.
func NewGates[F Float](c GatesConfig, tensors []Tensor) (*Gates[F], error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	g := &Gates[F]{Config: c, Tensors: tensors}
	at := 0
	for _, t := range tensors {
		part, ok := c.gated(t.Name)
		if !ok {
			continue
		}
		s := span{start: t.Start, at: at}
		s.rows, s.cols = t.rowsCols()
		if s.rows%part.of != 0 {
			return nil, fmt.Errorf("sparse: tensors: %s has %d rows, which are not %d equal parts: %w", t.Name, s.rows, part.of, ErrConfig)
		}
		s.rows /= part.of
		s.start += part.part * s.rows * s.cols
		s.n = s.len()
		if len(t.Shape) > 1 {
			switch c.Unit {
			case UnitColumn:
				s.n = s.cols
			case UnitRow:
				s.n = s.rows
			}
		}
		at += s.n
		for s.n == s.len() && s.n > PieceLen {
			g.spans = append(g.spans, span{s.start, s.at, PieceLen, 1, PieceLen})
			s = span{s.start + PieceLen, s.at + PieceLen, s.n - PieceLen, 1, s.n - PieceLen}
		}
		g.spans = append(g.spans, s)
	}
	if at == 0 {
		return nil, fmt.Errorf("sparse: tensors: no name matches %q: %w", c.Tensors, ErrConfig)
	}
	n := scalars(tensors)
	for range c.Experts {
		g.LogAlpha = append(g.LogAlpha, make([]F, at))
		g.Z = append(g.Z, make([]F, n))
	}
	g.scratch = make([]F, at)
	return g, nil
}

func (c GatesConfig) gated(name string) (part pattern, ok bool) {
	for _, text := range c.Tensors {
		p, err := parsePattern(text)
		if matches, _ := path.Match(p.name, name); matches && err == nil {
			return p, true
		}
	}
	return pattern{of: 1}, len(c.Tensors) == 0
}

// Len is G, the gates of one expert.
func (g *Gates[F]) Len() int { return len(g.scratch) }

// Init draws every LogAlpha from Normal(mean, 0.5), the deviation of the authors' code, with the mean at which the share density of
// the gates opens (GateBinary) or is not closed (the others). The authors' mean is 0.
func (g *Gates[F]) Init(rng *rand.Rand, density float64) {
	mean := g.initMean(density)
	for _, la := range g.LogAlpha {
		for i := range la {
			la[i] = F(mean + initDeviation*rng.NormFloat64())
		}
	}
}

// InitOrder gives expert m's gates the values of Init in the order of the pull on what they open, the sum of the magnitudes of those of a
// column or row: the stronger, the more open. pull is (N). Different experts may be started at the same time.
func (g *Gates[F]) InitOrder(m int, pull []F, density float64) {
	la, mean := g.LogAlpha[m], g.initMean(density)
	g.gatherMagnitudes(la, pull)
	order := make([]int, len(la))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(la[a], la[b]), a-b) })
	for rank, i := range order {
		la[i] = F(mean + initDeviation*normalQuantile((float64(rank)+0.5)/float64(len(order))))
	}
}

// initDeviation is that of a LogAlpha at the start, in the authors' code.
const initDeviation = 0.5

// initMean is the mean of LogAlpha at which the share density of the gates opens (GateBinary) or is not closed (the others).
func (g *Gates[F]) initMean(density float64) float64 {
	threshold := 0.0
	if g.Config.Gate != GateBinary {
		threshold = gateShift
	}
	return threshold + initDeviation*normalQuantile(density)
}

// normalQuantile is x with P(Z < x) = p.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// Refresh clamps expert m's LogAlpha and writes its mask to Z[m]. It returns false when a LogAlpha was not finite. Different experts may be
// refreshed at the same time when each call has its own scratch (G).
func (g *Gates[F]) Refresh(m int, training bool, scratch []F) bool {
	finite := true
	for _, s := range g.spans {
		z, la := g.Z[m][s.start:][:s.len()], g.LogAlpha[m][s.at:][:s.n]
		finite = clampLogAlpha(la) && finite
		if s.n == len(z) {
			Open(g.Config.Gate, z, la, training)
			continue
		}
		gates := scratch[:s.n]
		Open(g.Config.Gate, gates, la, training)
		switch {
		case g.Config.Unit == UnitColumn:
			for r := range s.rows {
				copy(z[r*s.cols:(r+1)*s.cols], gates)
			}
		default:
			for r, v := range gates {
				for c := range s.cols {
					z[r*s.cols+c] = v
				}
			}
		}
	}
	return finite
}

// RefreshAll is Refresh of every expert in turn.
func (g *Gates[F]) RefreshAll(training bool) bool {
	finite := true
	for m := range g.LogAlpha {
		finite = g.Refresh(m, training, g.scratch) && finite
	}
	return finite
}

// Backward writes the gradient of expert m's LogAlpha from that of its mask, the sum of weights[i] * dz[i], and returns the sum of its squares.
//
//	dLogAlpha  (G)
//	dz         (len(weights)) of (N)
//	scratch    (N)
func (g *Gates[F]) Backward(m int, dLogAlpha, weights []F, dz [][]F, scratch []F) (squares float64) {
	for _, s := range g.spans {
		d := dLogAlpha[s.at:][:s.n]
		sum := d
		if s.n != s.len() {
			sum = scratch[:s.len()]
		}
		clear(sum)
		for i, weight := range weights {
			kernel.Axpy(sum, weight, dz[i][s.start:][:len(sum)])
		}
		gather(g.Config.Unit, s, d, sum)
		OpenBackward(g.Config.Gate, d, d, g.LogAlpha[m][s.at:][:s.n], scratch)
		squares += float64(kernel.Dot(d, d))
	}
	return squares
}

// gather writes to sums (s.n) what each gate of a span opens of x (s.len()), added up. Where each opens one scalar they may alias.
func gather[F Float](unit Unit, s span, sums, x []F) {
	switch {
	case s.n == s.len():
		copy(sums, x)
	case unit == UnitColumn:
		clear(sums)
		for r := range s.rows {
			for c, v := range x[r*s.cols:][:s.cols] {
				sums[c] += v
			}
		}
	default:
		for r := range sums {
			var sum F
			for _, v := range x[r*s.cols:][:s.cols] {
				sum += v
			}
			sums[r] = sum
		}
	}
}

// gatherMagnitudes writes to sums (G) the magnitudes of what each gate opens of x (N), added up.
func (g *Gates[F]) gatherMagnitudes(sums, x []F) {
	magnitudes := make([]F, len(x))
	for i, v := range x {
		magnitudes[i] = max(v, -v)
	}
	for _, s := range g.spans {
		gather(g.Config.Unit, s, sums[s.at:][:s.n], magnitudes[s.start:][:s.len()])
	}
}

// Density is the share of all N scalars that expert m's mask does not close, those of tensors without gates included: 1 - sp_m of METHOD 1.4.
func (g *Gates[F]) Density(m int) float64 { return Density(g.Z[m]) }

// Gated is the share of the N scalars that have a gate: the largest density there can be.
func (g *Gates[F]) Gated() float64 {
	n := 0
	for _, s := range g.spans {
		n += s.len()
	}
	return float64(n) / float64(max(scalars(g.Tensors), 1))
}

// Settle moves all of expert m's LogAlpha by one constant so that a share density of the N scalars is open, as nearly as equal gates
// allow, and refreshes Z[m]. For gates of one scalar and GateBinary the order of the gates, and so what was learned, stays as it was: dual
// ascent hovers around its target, and this takes the last step. Different experts may be settled at the same time.
func (g *Gates[F]) Settle(m int, density float64) {
	low, high := F(MinLogAlpha-MaxLogAlpha), F(MaxLogAlpha-MinLogAlpha)
	original, scratch := append([]F(nil), g.LogAlpha[m]...), make([]F, g.Len())
	for range 40 {
		middle := (low + high) / 2
		for i, la := range original {
			g.LogAlpha[m][i] = la + middle
		}
		g.Refresh(m, false, scratch)
		if g.Density(m) < density {
			low = middle
		} else {
			high = middle
		}
	}
}

// InitMagnitude sets every expert's LogAlpha to the magnitudes of the weights it gates (the sum of those of a column or row), scaled into
// the bounds of a logAlpha: with Settle, the hand-designed mask that opens the largest weights.
//
//	pre  (N)
func (g *Gates[F]) InitMagnitude(pre []F) {
	la := g.LogAlpha[0]
	g.gatherMagnitudes(la, pre)
	var largest F
	for _, v := range la {
		largest = max(largest, v)
	}
	for i, v := range la {
		la[i] = v/max(largest, 1e-30) + MinLogAlpha/2
	}
	for _, other := range g.LogAlpha[1:] {
		copy(other, la)
	}
}
