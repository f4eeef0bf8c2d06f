package metatune

import (
	"fmt"
	"slices"
	"strings"
)

// SetRouting is where the tasks of each set of a suite went.
type SetRouting struct {
	Method        string      `json:"method"`
	Sets          []string    `json:"sets"`
	Scores        [][]float64 `json:"scores"`        // (sets, M) mean over episodes and settings
	EntropyOfMean float64     `json:"entropyOfMean"` // nats, of the mean over the sets: ln M when all experts are used alike
	MeanEntropy   float64     `json:"meanEntropy"`   // nats, mean over the sets: ln M when a set does not choose
}

// RoutingOf sums up the routing of so many experts, whose file has this sha256. It wraps ErrOtherSuite when the suite has not measured
// them, ErrSuite when it has other numbers of scores.
func (s *Suite) RoutingOf(sha256 string, experts int) (*SetRouting, error) {
	at := slices.IndexFunc(s.Methods, func(m SuiteMethod) bool { return strings.HasPrefix(m.Identity, expertsIdentity(sha256, "")) })
	if at < 0 {
		return nil, fmt.Errorf("no method is the experts with sha256 %s: %w", sha256, ErrOtherSuite)
	}
	r := &SetRouting{Method: s.Methods[at].Name}
	for _, set := range s.Sets {
		sum := make([]float64, experts)
		cells := 0
		for _, c := range s.Cells {
			if c.Method != r.Method || c.Set != set.Name || c.Routing == nil {
				continue
			}
			if len(c.Routing.Scores) != experts {
				return nil, fmt.Errorf("%s on %s: want scores of %d experts, have %d: %w", r.Method, set.Name, experts, len(c.Routing.Scores), ErrSuite)
			}
			for m, v := range c.Routing.Scores {
				sum[m] += v
			}
			cells++
		}
		if cells == 0 {
			continue
		}
		for m := range sum {
			sum[m] /= float64(cells)
		}
		r.Sets, r.Scores = append(r.Sets, set.Name), append(r.Scores, sum)
	}
	if len(r.Sets) == 0 {
		return nil, fmt.Errorf("%s has no figures yet: %w", r.Method, ErrOtherSuite)
	}
	mean := make([]float64, experts)
	for _, row := range r.Scores {
		r.MeanEntropy += entropy(row) / float64(len(r.Scores))
		for m, v := range row {
			mean[m] += v / float64(len(r.Scores))
		}
	}
	r.EntropyOfMean = entropy(mean)
	return r, nil
}

// expertsIdentity is Method.Identity of experts: the sha256 of their file and what they are merged into.
func expertsIdentity(sha256, backbone string) string { return sha256 + " on " + backbone }
