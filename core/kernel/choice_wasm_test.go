//go:build relaxed

package kernel

import (
	"testing"
	"time"
)

// TestInt8Choice: after some products the kernel with the higher rate runs alone, whatever the sizes of the products it was tried on; where
// time stands still it is the first. A kernel that the engine has compiled well only after the first trial gets its due in the next.
func TestInt8Choice(t *testing.T) {
	for _, c := range []struct {
		name string
		cost [2]time.Duration // of a thousand multiply-adds
		late int              // products after which the second takes a quarter of that
		want int
	}{
		{"first", [2]time.Duration{100 * time.Microsecond, 180 * time.Microsecond}, -1, 0},
		{"second", [2]time.Duration{100 * time.Microsecond, 50 * time.Microsecond}, -1, 1},
		{"second, late", [2]time.Duration{100 * time.Microsecond, 200 * time.Microsecond}, 300, 1},
		{"no clock", [2]time.Duration{}, -1, 0},
	} {
		clock := time.Unix(0, 0)
		var ran [2]int
		kernel := func(i int) func(p int8Product) {
			return func(p int8Product) {
				ran[i]++
				cost := c.cost[i]
				if i == 1 && ran[0]+ran[1] > c.late && c.late > 0 {
					cost /= 4
				}
				clock = clock.Add(cost * time.Duration(p.m*p.n*p.k) / 1000)
			}
		}
		choice := &int8Choice{kernels: [2]func(p int8Product){kernel(0), kernel(1)}, now: func() time.Time { return clock }}
		most := 0
		for call := range 2 * choiceMost {
			if choice.chosen == nil {
				most = call + 1
				if call == choiceWarm && ran[0] != ran[1] {
					t.Errorf("%s: %v runs of %d products", c.name, ran, choiceWarm)
				}
			}
			if call == 2*choiceMost-100 {
				ran = [2]int{}
			}
			choice.matmul(int8Product{m: 10, n: 10, k: []int{30, 10, 40, 40}[call%4]})
		}
		want := [2]int{}
		want[c.want] = 100
		if ran != want {
			t.Errorf("%s: the last hundred products ran %v", c.name, ran)
		}
		if most <= choiceWarm || most > 2*choiceMost-100 {
			t.Errorf("%s: settled after %d products", c.name, most)
		}
	}
}
