package finetune

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestStrongest: the same as sorting, with ties, zeros, subnormal and huge scores.
func TestStrongest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		n := 1 + rng.IntN(300)
		score := make([]float32, 2*n)
		for i := range score {
			switch rng.IntN(5) {
			case 0:
				score[i] = float32(rng.IntN(4)) // ties and zeros
			case 1:
				score[i] = math.Float32frombits(rng.Uint32N(1 << 12))
			case 2:
				score[i] = math.MaxFloat32
			default:
				score[i] = float32(math.Exp(10 * rng.NormFloat64()))
			}
		}
		var index []int32
		for i := range score {
			if rng.IntN(2) == 0 {
				index = append(index, int32(i))
			}
		}
		budget := rng.IntN(n + 10)
		want := slices.Clone(index)
		slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(score[b], score[a]) })
		want = want[:min(budget, len(want))]
		want = slices.DeleteFunc(want, func(i int32) bool { return score[i] == 0 })
		slices.Sort(want)
		if have := strongest(index, score, budget); !slices.Equal(have, want) {
			t.Fatalf("round %d, %d of %d: want %v, have %v", round, budget, len(index), want, have)
		}
	}
}

func TestBlockOf(t *testing.T) {
	for name, want := range map[string]int{"blocks.0.norm1.weight": 0, "blocks.11.mlp.fc2.bias": 11, "norm.bias": 1 << 30, "cls_token": -1, "patch_embed.stem.0.norm.weight": -1, "blocks.x": -1} {
		if have := blockOf(name); have != want {
			t.Errorf("%s: want %d, have %d", name, want, have)
		}
	}
}
