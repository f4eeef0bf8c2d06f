package metatune

import (
	"fmt"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// coarse is the part of a run that holds the weights of a trained backbone to few levels. Forward and backward use the rounded weights, the
// optimiser moves the ones behind them as if rounding were not there (straight-through: Bengio et al. 2013, arXiv:1308.3432, section 4),
// and the loss is the mean of 1 - cosine between a picture's embedding and the one that the weights it started from give. Labels are not
// looked at. Source of training with the rounding in place: Jacob et al. 2018, arXiv:1712.05877, section 3; from itself: Hinton et al. 2015.
type coarse struct {
	teacher *vit.Model[float32]
	levels  *vit.Levels
	rounded *vit.Params[float32]
}

// readStart reads the weights a run starts from; sha256 is theirs, in hexadecimal.
func readStart(path string) (p *vit.Params[float32], sha string, err error) {
	data, err := tensorfile.ReadFile(path, 1<<30)
	if err != nil {
		return nil, "", err
	}
	f, err := tensorfile.Decode(data)
	if err == nil {
		p, err = vit.OpenParams(f)
	}
	if err != nil {
		return nil, "", fmt.Errorf("metatune: %s: %w", path, err)
	}
	return p.FoldLayerScale(), tensorfile.Hash(data), nil
}

// newCoarse fits the levels to p, which the trainer goes on to move.
func newCoarse(p *vit.Params[float32], levels int, bits float64) (*coarse, error) {
	l, err := vit.FitLevels(p, levels, bits)
	if err != nil {
		return nil, err
	}
	return &coarse{teacher: vit.NewModel(vit.Convert[float32](p)), levels: l, rounded: vit.NewParams[float32](p.Config)}, nil
}

// round brings the rounded weights up to those behind them, which have moved.
func (t *trainer) round() {
	if t.coarse != nil {
		t.coarse.levels.Round(t.coarse.rounded, t.params)
	}
}

// weights are what the run is about: what is validated and written. The caller does not write to them.
func (t *trainer) weights() *vit.Params[float32] {
	if t.coarse != nil {
		return t.coarse.rounded
	}
	return t.params
}
