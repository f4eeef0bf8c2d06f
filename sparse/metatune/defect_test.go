package metatune

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"haguruma/core/fewshot"
)

// TestTextureMap: every crop is inside the picture, of 4 to 30 per cent of its area, and all eight ways to lay it come up.
func TestTextureMap(t *testing.T) {
	const s, size = 64.0, 16.0
	ways := map[[2]float64]int{}
	for seed := range uint64(300) {
		m := textureMap(s, size, rand.New(rand.NewPCG(seed, 1)))
		area := math.Abs(m.xx*m.yy-m.xy*m.yx) * size * size / (s * s)
		if area < 0.04-1e-9 || area > 0.30+1e-9 {
			t.Fatalf("seed %d: %v of the area", seed, area)
		}
		for _, c := range [][2]float64{{0, 0}, {size, 0}, {0, size}, {size, size}} {
			u, v := m.xx*c[0]+m.xy*c[1]+m.x0, m.yx*c[0]+m.yy*c[1]+m.y0
			if min(u, v) < -1e-9 || max(u, v) > s+1e-9 {
				t.Fatalf("seed %d: corner %v is at %v, %v", seed, c, u, v)
			}
		}
		sign := func(v float64) float64 {
			if math.Abs(v) < 1e-9 {
				return 0
			}
			return math.Copysign(1, v)
		}
		ways[[2]float64{sign(m.xx) + 3*sign(m.xy), sign(m.yx) + 3*sign(m.yy)}]++
	}
	if len(ways) != 8 {
		t.Errorf("want 8 ways to lay a crop, have %v", ways)
	}
}

func TestThicken(t *testing.T) {
	const size = 5
	rgb := make([]float32, size*size*3)
	fill32(rgb, 255)
	copy(rgb[(2*size+2)*3:], []float32{0, 10, 20})
	thicken(rgb, make([]float32, len(rgb)), size)
	for y := range size {
		for x := range size {
			want := []float32{255, 255, 255}
			if math.Abs(float64(x-2))+math.Abs(float64(y-2)) <= 1 {
				want = []float32{0, 10, 20}
			}
			if have := rgb[(y*size+x)*3:][:3]; !slices.Equal(have, want) {
				t.Errorf("(%d, %d): want %v, have %v", x, y, want, have)
			}
		}
	}
}

// TestDefectsMark: every shape but none changes a part of the picture, none of it beyond 0..255.
func TestDefectsMark(t *testing.T) {
	const size = 32
	for shape := defectNone; shape < defectShapes; shape++ {
		changed := 0
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 5))
			rgb := make([]float32, size*size*3)
			for i := range rgb {
				rgb[i] = float32(rng.IntN(256))
			}
			before := slices.Clone(rgb)
			drawDefect(shape, rng).mark(rgb, size, rng)
			if slices.Min(rgb) < -1e-3 || slices.Max(rgb) > 255.001 || notFinite(rgb) >= 0 {
				t.Fatalf("shape %d, seed %d: %v to %v", shape, seed, slices.Min(rgb), slices.Max(rgb))
			}
			for i := range rgb {
				if rgb[i] != before[i] {
					changed++
				}
			}
		}
		if share := float64(changed) / (40 * size * size * 3); shape == defectNone && share != 0 || shape != defectNone && (share < 0.002 || share > 0.6) {
			t.Errorf("shape %d changes %.4f of the picture", shape, share)
		}
	}
}

// TestMadeUpTasks: tasks of textures and defects keep ways and labels, come again with their generator, and their classes are what they
// should be: textures one picture each, defects one picture all.
func TestMadeUpTasks(t *testing.T) {
	cfg := pictureConfig(writeSets(t), "")
	cfg.Tasks.Sets = []Set{{"photo", Photo, 1}, {"photo", Texture, 1}, {"photo", Defect, 1}}
	cfg.Tasks.Restyle = 0
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := loadPixels(context.Background(), splits, cfg.Tasks.Sets, 24, nil)
	if err != nil {
		t.Fatal(err)
	}
	if &sets[0].images[0] != &sets[2].images[0] {
		t.Error("a set in two kinds was decoded twice")
	}
	for c := range sets[1].images { // each picture a colour of its own
		for i, pix := range sets[1].images[c] {
			for k := range pix {
				pix[k] = byte(40 + 60*(k%3) + 5*c + i)
			}
		}
	}
	cfg.Tasks.Augment.Jitter, cfg.Tasks.Augment.Gray, cfg.Tasks.Augment.Erase = 0, 0, 0
	tasks, err := newPictureTasks(cfg.Tasks, sets, [3]float32{}, [3]float32{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"photo", "photo texture", "photo defect"}; !slices.Equal(tasks.Names(), want) {
		t.Errorf("names: want %v, have %v", want, tasks.Names())
	}
	const plane = 16 * 16
	drawn := map[int]int{}
	for seed := range uint64(120) {
		var task, again Task
		tasks.Draw(&task, rand.New(rand.NewPCG(seed, 1)))
		tasks.Draw(&again, rand.New(rand.NewPCG(seed, 1)))
		if again.Set != task.Set || !slices.Equal(again.Query, task.Query) || !slices.Equal(again.Support, task.Support) {
			t.Fatalf("seed %d: two tasks of one generator", seed)
		}
		drawn[task.Set]++
		shot := len(task.SupportLabels) / task.Way
		if task.Way < 2 || task.Way > 5 || len(task.QueryLabels) != 2*task.Way || len(task.Support) != task.Way*shot*3*plane {
			t.Fatalf("seed %d: %d ways, %d queries", seed, task.Way, len(task.QueryLabels))
		}
		if task.Set != 1 {
			continue
		}
		colour := map[int]float32{}
		for i, label := range task.SupportLabels {
			red := task.Support[i*3*plane:][:plane]
			if slices.Max(red)-slices.Min(red) > 1e-4 || colour[label] != 0 && math.Abs(float64(colour[label]-red[0])) > 1e-4 {
				t.Fatalf("seed %d: class %d is of two pictures: %v and %v", seed, label, colour[label], red[0])
			}
			colour[label] = red[0]
		}
	}
	if len(drawn) != 3 {
		t.Errorf("sets drawn: %v", drawn)
	}
}
