package quant

import "math"

// Grid are the few values that the weights of a matrix may have: row r has k * Step[r], k a whole number, |k| <= Top.
//
//	Step  (Rows)  > 0, each a bfloat16, so that a file of them packs well
type Grid struct {
	Rows, Cols, Top int
	Step            []float32
}

// Round writes the nearest values of the grid to dst, which may be w.
//
//	dst, w  (Rows, Cols)
func (g *Grid) Round(dst, w []float32) {
	top := float32(g.Top)
	for r, step := range g.Step {
		from, to := r*g.Cols, (r+1)*g.Cols
		out := dst[from:to]
		for i, v := range w[from:to] {
			k := float32(math.RoundToEven(float64(v / step)))
			out[i] = step * min(max(k, -top), top)
		}
	}
}

// candidates are the steps that FitGrids tries for a row, in deviations of the row (root mean squares): 0.2 to 1.6, each 6% over the last.
const candidates = 36

func candidate(deviation float64, i int) float32 {
	return BFloat16(float32(deviation * 0.2 * math.Pow(1.06, float64(i))))
}

// gridRow is what the candidates cost one row.
type gridRow struct {
	step   [candidates]float32
	err    [candidates]float64 // sum of squared errors over the row's mean square
	counts [candidates][]int32 // (Top+1) how many weights have |k|
}

// FitGrids chooses a grid for each of the matrices: the steps of the rows that leave the least squared error, each row's over its own mean
// square, for codes that take bits in the mean when packed as well as their shares allow (their entropy over all the matrices). Wide steps
// pack well and lose more; rows trade at one price. Source: entropy-constrained scalar quantization, Chou, Lookabaugh and Gray 1989.
//
//	w     each (rows[i], cols[i])
//	top   1..127, the largest multiple
//	bits  > 0; more than the entropy of the least error is that least error
//
// It returns the grids and the entropy reached.
func FitGrids(w [][]float32, rows, cols []int, top int, bits float64) ([]*Grid, float64) {
	var all []gridRow
	for i, x := range w {
		for r := range rows[i] {
			all = append(all, newGridRow(x[r*cols[i]:(r+1)*cols[i]], top))
		}
	}
	chosen := make([]int, len(all))
	low, high := 1e-6, 1e2 // prices of a bit
	entropy := fitRows(chosen, all, top, low)
	if entropy > bits { // the least error is too dear
		for range 24 {
			if price := math.Sqrt(low * high); fitRows(chosen, all, top, price) > bits {
				low = price
			} else {
				high = price
			}
		}
		entropy = fitRows(chosen, all, top, high)
	}
	var grids []*Grid
	at := 0
	for i := range w {
		g := &Grid{Rows: rows[i], Cols: cols[i], Top: top, Step: make([]float32, rows[i])}
		for r := range g.Step {
			g.Step[r] = all[at].step[chosen[at]]
			at++
		}
		grids = append(grids, g)
	}
	return grids, entropy
}

func newGridRow(x []float32, top int) (row gridRow) {
	var square float64
	for _, v := range x {
		square += float64(v) * float64(v)
	}
	square /= float64(max(len(x), 1))
	if square == 0 {
		square = 1
	}
	for i := range candidates {
		step := candidate(math.Sqrt(square), i)
		counts := make([]int32, top+1)
		var sum float64
		for _, v := range x {
			k := min(math.Abs(math.RoundToEven(float64(v/step))), float64(top))
			counts[int(k)]++
			e := math.Abs(float64(v)) - k*float64(step)
			sum += e * e
		}
		row.step[i], row.err[i], row.counts[i] = step, sum/square, counts
	}
	return row
}

// fitRows chooses for each row at a price and returns the entropy, bits a weight. Code lengths and choice follow each other in turn.
func fitRows(chosen []int, all []gridRow, top int, price float64) (entropy float64) {
	length := make([]float64, top+1)
	for k := range length {
		length[k] = 1 + float64(k) // any falling shares do to begin with
	}
	for range 6 {
		total := make([]float64, top+1)
		var n float64
		for r := range all {
			row, best := &all[r], math.Inf(1)
			for i := range candidates {
				cost := row.err[i]
				for k, c := range row.counts[i] {
					cost += price * float64(c) * length[k]
				}
				if cost < best {
					best, chosen[r] = cost, i
				}
			}
			for k, c := range row.counts[chosen[r]] {
				total[k] += float64(c)
				n += float64(c)
			}
		}
		entropy = 0
		for k, c := range total {
			share := max(c, 0.5) / n
			length[k] = -math.Log2(share)
			if k > 0 {
				length[k]++ // the sign
			}
			entropy += c / n * length[k]
		}
	}
	return entropy
}

// QuantizeExact is Quantize for weights that may lie on a Grid: a row of whole multiples, up to 127, of its least magnitude, or of a half or
// a third of that, keeps them as its codes, so nothing is lost and few codes occur. Other rows are as Quantize has them.
func QuantizeExact(w []float32, rows, cols int) *Matrix {
	m := Quantize(w, rows, cols)
	return m.Derive(func(q []int8, r int) (float32, bool) { return multiples(q, w[r*cols:(r+1)*cols]) })
}

// multiples writes w as whole multiples of one step, if there is one.
func multiples(q []int8, w []float32) (step float32, ok bool) {
	least, largest := float32(math.Inf(1)), float32(0)
	for _, v := range w {
		v = float32(math.Abs(float64(v)))
		if v != 0 {
			least = min(least, v)
		}
		largest = max(largest, v)
	}
	for divisor := float32(1); divisor <= 3; divisor++ {
		step := least / divisor
		if !(largest/step <= maxWeight+0.5) || step < 0x1p-126 {
			return 0, false // NaN and infinities too, and a row of zeros
		}
		ok = true
		for i, v := range w {
			k := float32(math.RoundToEven(float64(v / step)))
			if ok = k*step == v; !ok {
				break
			}
			q[i] = int8(k)
		}
		if ok {
			return step, true
		}
	}
	return 0, false
}

// BFloat16 rounds to the nearest number of 8 significant bits, half to even: the upper half of a float32. NaN and infinities stay what they
// are.
func BFloat16(x float32) float32 {
	b := math.Float32bits(x)
	if b&0x7f800000 == 0x7f800000 {
		return x
	}
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}
