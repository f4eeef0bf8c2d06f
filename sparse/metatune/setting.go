package metatune

import (
	"fmt"
	"strconv"
	"strings"

	"haguruma/core/fewshot"
)

// maxSetting bounds ways and shots: beyond it is a slip of the pen.
const maxSetting = 10000

// Setting is one column of a table: the ways and shots of its episodes. The
// zero Setting is episodes whose ways and shots vary as in Meta-Dataset
// (fewshot.VaryingSampler).
type Setting struct{ Way, Shot int }

// Varying tells whether ways and shots differ from episode to episode.
func (s Setting) Varying() bool { return s == Setting{} }

// String is the setting in words: "5-way 1-shot".
func (s Setting) String() string {
	if s.Varying() {
		return "varying way and shot"
	}
	return fmt.Sprintf("%d-way %d-shot", s.Way, s.Shot)
}

const varying = "varying"

// MarshalText writes "5x1" or "varying".
func (s Setting) MarshalText() ([]byte, error) {
	if s.Varying() {
		return []byte(varying), nil
	}
	return fmt.Appendf(nil, "%dx%d", s.Way, s.Shot), nil
}

// UnmarshalText is the inverse of MarshalText. It wants 2 ways and 1 shot or
// more; the error names the text.
func (s *Setting) UnmarshalText(text []byte) error {
	if string(text) == varying {
		*s = Setting{}
		return nil
	}
	way, shot, _ := strings.Cut(string(text), "x")
	var wayErr, shotErr error
	s.Way, wayErr = strconv.Atoi(way)
	s.Shot, shotErr = strconv.Atoi(shot)
	if wayErr != nil || shotErr != nil || s.Way < 2 || s.Shot < 1 || s.Way > maxSetting || s.Shot > maxSetting {
		return fmt.Errorf("%q: want WAYxSHOT, 2x1 to %dx%d, or %s", text, maxSetting, maxSetting, varying)
	}
	return nil
}

// sampler returns the episodes of the setting on a set: number i depends on
// the set, the setting, seed and i. Errors are those of fewshot's samplers.
func (s Setting) sampler(d *fewshot.Dataset, seed uint64) (draw func(i int) fewshot.Episode, err error) {
	if s.Varying() {
		sampler, err := fewshot.NewVaryingSampler(d, seed)
		if err != nil {
			return nil, err
		}
		return sampler.Episode, nil
	}
	sampler, err := fewshot.NewSampler(d, s.Way, s.Shot, Queries, seed)
	if err != nil {
		return nil, err
	}
	return sampler.Episode, nil
}

// fits tells whether a set can be measured at the setting with all the ways
// it has classes for: fewer classes than ways is fine, classes with too few
// pictures are an error that wraps fewshot.ErrTooFewClasses.
func (s Setting) fits(d *fewshot.Dataset) error {
	ways, least := s.Way, s.Shot+1
	if s.Varying() {
		ways, least = 5, 2
	}
	have, smallest := 0, 0
	for i, class := range d.Classes {
		if len(class.Images) >= least {
			have++
		}
		if len(class.Images) < len(d.Classes[smallest].Images) {
			smallest = i
		}
	}
	if want := max(2, min(ways, len(d.Classes))); have < want {
		return fmt.Errorf("metatune: %s, %s: want %d classes of %d or more pictures, have %d of %d (the smallest, %q, has %d): %w",
			d.Name, s, want, least, have, len(d.Classes), d.Classes[smallest].Name, len(d.Classes[smallest].Images), fewshot.ErrTooFewClasses)
	}
	return nil
}
