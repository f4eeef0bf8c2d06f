package tensorfile

import "slices"

// Order returns 0..n-1 in the order of compare, which has no equals. It is what sorts here and in the packages above: each other type that is sorted
// is 16 kB of code of its own in the page's engine, before compression.
func Order(n int, compare func(i, j int) int) []int {
	sorted := make([]int, n)
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, compare)
	return sorted
}
