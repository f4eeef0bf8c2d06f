//go:build js && wasm && (tune || !browser)

package main

import (
	"haguruma/adapt"
	"haguruma/adapt/tune"
	"haguruma/sparse/finetune"
)

// The engines that can fine-tune are files of their own (tag tune), which the page asks for when somebody wants them.
func init() {
	newTuner = func(clock func() float64) adapt.Tuner {
		c := finetune.Default(finetune.Sparse) // as the terminal's
		c.Workers = 1
		return resting{tune.Tuner{Config: c}, clock}
	}
	tuned = func(r *adapt.TuningReport) any {
		return object("mode steps rate part moved changed", r.Mode, r.Steps, r.Rate, r.Part, r.Moved.Changed, r.Moved.Part())
	}
}

// patience is how long it works without a rest, ms, or little more: a step is a second and longer.
const patience = 40

// resting is a tuner that says again where it is, which is a rest, when it has worked for a while: within a step too.
type resting struct {
	tune.Tuner
	clock func() float64
}

// Tune is adapt.Tuner's.
func (t resting) Tune(stop adapt.Stopper, task adapt.Tuning, progress func(done, total int) error) (*adapt.Tuned, error) {
	p := &pauser{stop: stop, resting: t}
	p.progress = func(done, total int) error {
		p.done, p.total = done, total
		err := progress(done, total)
		p.since = t.clock()
		return err
	}
	return t.Tuner.Tune(p, task, p.progress)
}

// pauser is the adapt.Stopper of such a tuner.
type pauser struct {
	resting
	stop        adapt.Stopper
	progress    func(done, total int) error
	done, total int     // where it is
	since       float64 // the last rest, ms
}

func (p *pauser) Err() error {
	if p.clock()-p.since > patience {
		return p.progress(p.done, p.total)
	}
	return p.stop.Err()
}
