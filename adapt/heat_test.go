package adapt

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// TestHeat: pictures are gray noise with a disc of a class's color in one corner; whatever the corner, the map of the class is brightest there, that of another class
// is not, and its mean is what the head says. On an untrained backbone: colors are what random weights see.
func TestHeat(t *testing.T) {
	const size = 32
	half := [3]float32{0.5, 0.5, 0.5}
	c := vit.Config{ImageSize: size, PatchSize: 4, Dim: 32, Depth: 2, Heads: 2, MLPDim: 64, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}
	colors := [][3]int{{230, 30, 30}, {30, 220, 40}, {40, 40, 230}}
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(class, corner int) *picture.Picture {
		pic := &picture.Picture{Width: size, Height: size, Pix: make([]uint8, 3*size*size)}
		cx, cy := 8+16*(corner%2), 8+16*(corner/2)
		for i := range size * size {
			x, y := i%size, i/size
			for k := range 3 {
				v := 128
				if (x-cx)*(x-cx)+(y-cy)*(y-cy) < 49 {
					v = colors[class][k]
				}
				pic.Pix[3*i+k] = uint8(v + rng.IntN(16))
			}
		}
		return pic
	}
	for _, pool := range []string{vit.PoolMean, vit.PoolClass} {
		for _, experts := range []bool{false, true} {
			c.Pool = pool
			p := vit.NewParams[float32](c)
			p.Init(rand.New(rand.NewPCG(3, 4)))
			b := NewBackbone(vit.NewInt8(p))
			task := NewTask(b)
			if experts {
				e := sparse.RandomExperts(sparse.BackboneTensors(p), 3, 0.1, 0.01, c.Dim, rand.New(rand.NewPCG(5, 6)))
				task.SetExperts(must(b.Experts(e, "")))
			}
			if _, _, err := task.Heat(draw(0, 0), 1); !errors.Is(err, ErrNotAdapted) {
				t.Error(err)
			}
			for class, name := range []string{"red", "green", "blue"} {
				id := must(task.AddClass(name))
				for corner := range 4 {
					must(task.AddExample(id, draw(class, corner)))
				}
			}
			check(t, learnAll(task))
			if _, _, err := task.Heat(draw(0, 0), 9); !errors.Is(err, ErrUnknownClass) {
				t.Error(err)
			}
			for class := range 3 {
				for corner := range 4 {
					pic := draw(class, corner)
					grid, side, err := task.Heat(pic, class+1)
					check(t, err)
					if side != 8 || len(grid) != 64 {
						t.Fatalf("%d cells of a side of %d", len(grid), side)
					}
					best := slices.Index(grid, slices.Max(grid))
					if have := best%8/4 + 2*(best/8/4); pool == vit.PoolMean && have != corner {
						t.Errorf("experts %t: class %d in corner %d: brightest in %d\n%.1f", experts, class, corner, have, grid)
					}
					if pool != vit.PoolMean {
						continue
					}
					// The mean is the logit of the class less the mean logit of the others.
					l := task.InUse()
					logits, mean := make([]float32, 3), 0.0
					l.Head.Logits(logits, must(task.Merged().Embed(pic)))
					for _, v := range grid {
						mean += float64(v) / 64
					}
					for k := range 3 {
						if share := -0.5; k == class {
							mean -= float64(logits[k] - l.Head.Scale*l.Head.Bias[k])
						} else {
							mean -= share * float64(logits[k]-l.Head.Scale*l.Head.Bias[k])
						}
					}
					if math.Abs(mean) > 1e-3*float64(l.Head.Scale) {
						t.Errorf("class %d: the mean is off by %v", class, mean)
					}
				}
			}
		}
	}
	f := newFixture(t)
	check(t, learnAll(f.Task))
	if _, _, err := f.Heat(pixel(1, 2, 3), f.red); !errors.Is(err, ErrNoPatches) {
		t.Error(err)
	}
}
