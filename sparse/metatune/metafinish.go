package metatune

import (
	"context"
	"fmt"
	"path/filepath"

	"haguruma/core/fewshot"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// ExpertsFile is what MetaTune leaves in MetaConfig.Out beside checkpoint, log, config.json and plots.
const ExpertsFile = "experts.safetensors.zst"

// MetaResult is what a run came to.
type MetaResult struct {
	Experts *sparse.Experts `json:"-"`       // as ExpertsFile holds them, bit for bit
	Update  int             `json:"update"`  // that validated best; the last one without validation
	Mean    float64         `json:"mean"`    // its validation mean, per cent
	Density []float64       `json:"density"` // per expert
	Overlap float64         `json:"overlap"` // mean pairwise Jaccard overlap of the open sets
	Seconds float64         `json:"seconds"` // all sittings
}

// MetaTune learns experts for a backbone on the train classes of the sets in cfg, or goes on from the checkpoint in cfg.Out: METHOD
// sections 2 and 3, in the form that cfg says. It validates on val classes and meta-val sets and keeps the best state.
//
// Errors wrap ErrConfig, ErrCheckpoint, ErrDiverged, fewshot's sentinels and the operating system's. Cancelling ctx writes a checkpoint and
// returns ctx's error; checkpoint, config and experts are written beside their place and renamed, so what was good stays good. A run that was
// broken off and goes on gives the same experts and log, but for the times, as one that was not.
func MetaTune(ctx context.Context, cfg MetaConfig, backbone *vit.Params[float32], progress Progress) (*MetaResult, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := cfg.Tasks.Check(); err != nil {
		return nil, err
	}
	if err := backbone.Config.CheckSize(cfg.Tasks.Size); err != nil {
		return nil, err
	}
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		return nil, err
	}
	sets, err := loadPixels(ctx, splits, cfg.Tasks.Sets, 64, progress)
	if err != nil {
		return nil, err
	}
	tasks, err := newPictureTasks(cfg.Tasks, sets, backbone.Config.Mean, backbone.Config.Std)
	if err != nil {
		return nil, err
	}
	// A set may be there in several kinds.
	trials, err := newPictureTrials(ctx, splits, unique(setNames(cfg.Tasks.Sets)), cfg.Tasks.Size, backbone.Config.Mean, backbone.Config.Std, progress)
	if err != nil {
		return nil, err
	}
	return MetaTuneNetwork(ctx, cfg, ViT(backbone.Config, cfg.Tasks.Size), backbone.Flat, tasks, trials, progress)
}

// MetaTuneNetwork is MetaTune of any network and any source of tasks; trials may be nil, and then the last state counts.
//
//	start  (N)  the network's weights before, which are not changed
func MetaTuneNetwork(ctx context.Context, cfg MetaConfig, network Network, start []float32, tasks Tasks, trials Trials, progress Progress) (*MetaResult, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	t, err := newMetaTuner(cfg, network, start, tasks)
	if err != nil {
		return nil, err
	}
	if err := t.resume(); err != nil { // before anything is written: the folder may be another run's
		return nil, err
	}
	log, err := openMetaLog(cfg.Out, cfg, t.update)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var val *metaValidation
	if trials != nil && len(trials.Names()) > 0 {
		val = newMetaValidation(trials, cfg.Episodes)
	}
	if err := t.run(ctx, log, val, progress); err != nil {
		return nil, err
	}
	if err := t.checkpoint(); err != nil {
		return nil, err
	}
	result := t.finish()
	metadata := map[string]string{"metatune": string(mustJSON(cfg)), "seconds": fmt.Sprintf("%.0f", result.Seconds)}
	if err := result.Experts.Save(filepath.Join(cfg.Out, ExpertsFile), metadata); err != nil {
		return nil, err
	}
	return result, plotMeta(cfg.Out)
}

// finish takes the best state, settles its masks and makes experts of it.
func (t *metaTuner) finish() *MetaResult {
	result := &MetaResult{Update: t.update, Seconds: t.spent.Seconds()}
	temperature := t.temperature
	if b := t.best; b != nil {
		copy(t.delta, b.delta)
		for m, la := range b.logAlpha {
			copy(t.gates.LogAlpha[m], la)
		}
		if t.router != nil {
			copy(t.router.Flat, b.router)
		}
		temperature, result.Update, result.Mean = b.temperature, b.update, b.mean
	}
	tensors := t.network.Tensors()
	e := &sparse.Experts{Tensors: tensors, Delta: sparse.NewDelta(tensors, t.delta), Router: t.router, Temperature: temperature, Steps: t.cfg.steps(), Backbone: t.cfg.Backbone}
	for m := range t.gates.Z {
		if t.cfg.settles() {
			t.gates.Settle(m, t.cfg.Density)
		} else {
			t.gates.Refresh(m, false, make([]float32, t.gates.Len()))
		}
		e.Masks = append(e.Masks, sparse.NewMask(t.gates.Z[m]))
		result.Density = append(result.Density, e.Masks[m].Density())
	}
	e.CloseDelta()
	if t.cfg.Masks == MasksDense || t.cfg.Parity { // what others are compared with, at full width
		e.RoundDelta()
	} else {
		e.Compact()
	}
	pairs := 0
	for a := range e.Masks {
		for b := range a {
			result.Overlap += sparse.Overlap(e.Masks[a], e.Masks[b])
			pairs++
		}
	}
	result.Overlap /= float64(max(pairs, 1))
	result.Experts = e
	return result
}
