package metatune

import "math/rand/v2"

// diffShift is the share of the side by which DiffAugment moves a picture at most.
const diffShift = 0.125

// DiffAugment writes a changed copy of each of n pictures: mirrored or not, brighter or darker by up to half a deviation, saturation times
// 0..2 about the mean of the channels, contrast times 0.5..1.5 about the mean of the picture, and moved by up to an eighth of the side, with
// zeros where it came from. Every picture is drawn for itself.
//
//	dst, src  (n, 3, size, size)   normalized; dst must not alias src
//
// Source: Zhao et al. 2020, arXiv:2006.10738, policy "color,translation" of their code; the mirror is PMF's (Hu et al. 2022,
// arXiv:2204.07305).
func DiffAugment(dst, src []float32, n, size int, rng *rand.Rand) {
	area := size * size
	for i := range n {
		to, from := dst[i*3*area:(i+1)*3*area], src[i*3*area:(i+1)*3*area]
		mirror := rng.IntN(2) == 1
		brightness := float32(rng.Float64() - 0.5)
		saturation := float32(2 * rng.Float64())
		contrast := float32(rng.Float64() + 0.5)
		reach := int(float64(size)*diffShift + 0.5)
		dx, dy := rng.IntN(2*reach+1)-reach, rng.IntN(2*reach+1)-reach

		// Brightness moves both means along with the values, so the three are one affine map of a value, its pixel's and the picture's mean.
		var sum float64
		for _, v := range from {
			sum += float64(v)
		}
		mean := float32(sum/float64(3*area)) + brightness
		for y := range size {
			for x := range size {
				at := y*size + x
				u, v := x-dx, y-dy
				if u < 0 || u >= size || v < 0 || v >= size {
					to[at], to[area+at], to[2*area+at] = 0, 0, 0
					continue
				}
				if mirror {
					u = size - 1 - u
				}
				source := v*size + u
				r, g, b := from[source], from[area+source], from[2*area+source]
				gray := (r + g + b) / 3
				for channel, value := range [3]float32{r, g, b} {
					value = (value-gray)*saturation + gray + brightness
					to[channel*area+at] = (value-mean)*contrast + mean
				}
			}
		}
	}
}
