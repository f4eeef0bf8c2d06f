package sparse

import (
	"fmt"
	"math/bits"
)

// Mask is one expert's openness of all N scalars, for use: one bit a scalar, or one byte a scalar where gates stand between closed and open.
type Mask struct {
	n      int
	bits   []uint64 // open scalars
	levels []uint8  // (N) openness in 1/255, nil when every open gate is 1
}

// NewMask returns the mask of z (N). Values between 0 and 1 are rounded to 1/255, what is not 0 at least 1/255; NaN counts as 0.
func NewMask[F Float](z []F) *Mask {
	m := &Mask{n: len(z), bits: make([]uint64, (len(z)+63)/64)}
	soft := false
	for i, v := range z {
		if v > 0 {
			m.bits[i/64] |= 1 << (i % 64)
			soft = soft || v < 1
		}
	}
	if soft {
		m.levels = make([]uint8, len(z))
		for i, v := range z {
			if v > 0 {
				m.levels[i] = uint8(max(min(v, 1)*255+0.5, 1))
			}
		}
	}
	return m
}

// maskFromBytes returns the mask of packed bits, the first scalar in the lowest bit of the first byte. It keeps no slice.
func maskFromBytes(packed []byte, n int) (*Mask, error) {
	if len(packed) != (n+7)/8 {
		return nil, fmt.Errorf("sparse: mask of %d scalars: want %d bytes, have %d: %w", n, (n+7)/8, len(packed), ErrFormat)
	}
	if rest := n % 8; rest > 0 && packed[len(packed)-1]>>rest != 0 {
		return nil, fmt.Errorf("sparse: mask of %d scalars: bits are set behind the last one: %w", n, ErrFormat)
	}
	m := &Mask{n: n, bits: make([]uint64, (n+63)/64)}
	for i, b := range packed {
		m.bits[i/8] |= uint64(b) << (8 * (i % 8))
	}
	return m, nil
}

// bytes packs the bits, the first scalar in the lowest bit of the first byte.
func (m *Mask) bytes() []byte {
	packed := make([]byte, (m.n+7)/8)
	for i := range packed {
		packed[i] = byte(m.bits[i/8] >> (8 * (i % 8)))
	}
	return packed
}

// Len is N.
func (m *Mask) Len() int { return m.n }

// Soft reports whether some gate is neither closed nor fully open.
func (m *Mask) Soft() bool { return m.levels != nil }

// Open reports whether scalar i is not closed.
func (m *Mask) Open(i int) bool { return m.bits[i/64]>>(i%64)&1 != 0 }

// Value is the openness of scalar i, 0..1.
func (m *Mask) Value(i int) float32 {
	switch {
	case !m.Open(i):
		return 0
	case m.levels == nil:
		return 1
	}
	return float32(m.levels[i]) / 255
}

// Count is how many of the scalars from..to-1 are not closed.
func (m *Mask) Count(from, to int) int {
	n := 0
	for i := from; i < to; {
		word, end := m.bits[i/64]>>(i%64), min(to, i/64*64+64)
		if end-i < 64 {
			word &= 1<<(end-i) - 1
		}
		n += bits.OnesCount64(word)
		i = end
	}
	return n
}

// Density is the share of scalars that are not closed.
func (m *Mask) Density() float64 { return float64(m.Count(0, m.n)) / float64(max(m.n, 1)) }

// AddTo adds score times the openness of the scalars from..from+len(dst)-1 to dst.
func (m *Mask) AddTo(dst []float32, from int, score float32) {
	to := from + len(dst)
	if to > m.n {
		panic("sparse: AddTo: more scalars than the mask has")
	}
	for i := from; i < to; {
		at, end := i, min(to, i/64*64+64)
		word := m.bits[i/64] >> (i % 64)
		if end-i < 64 {
			word &= 1<<(end-i) - 1
		}
		for ; word != 0; word &= word - 1 {
			j := at + bits.TrailingZeros64(word)
			if m.levels == nil {
				dst[j-from] += score
			} else {
				dst[j-from] += score * (float32(m.levels[j]) / 255)
			}
		}
		i = end
	}
}

// Overlap is the share of scalars open in both of those open in either (Jaccard); 0 when neither has any.
func Overlap(a, b *Mask) float64 {
	both, either := 0, 0
	for i, w := range a.bits {
		both += bits.OnesCount64(w & b.bits[i])
		either += bits.OnesCount64(w | b.bits[i])
	}
	return float64(both) / float64(max(either, 1))
}
