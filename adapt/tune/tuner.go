package tune

import (
	"fmt"

	"haguruma/adapt"
	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/finetune"
)

// Tuner takes gradient steps by a config. It is an adapt.Tuner for tasks whose embedder is an *adapt.Backbone.
//
// What it returns comes as an adapter has it: rounded to a change of the int8 weights, so that an adapter gives the bits that the task gives. With experts, it
// starts from the backbone that they are merged into, and Sparse opens the weights that they ask for most. Errors wrap those of finetune.
type Tuner struct {
	Config finetune.Config
}

// Tune is adapt.Tuner's. stop is looked at before every few views, so a step need not end before it is heard.
func (t Tuner) Tune(stop adapt.Stopper, task adapt.Tuning, progress func(done, total int) error) (*adapt.Tuned, error) {
	from := backbone(task.Embedder)
	config := from.Config()
	var enough error // what progress said
	tuner := finetune.Tuner{
		Base: from.Model(),
		Pause: func() error {
			if enough != nil {
				return enough
			}
			return stop.Err()
		},
		Progress: func(done, of int, _ float64) {
			if err := progress(done, of); enough == nil {
				enough = err
			}
		},
	}
	if x, ok := task.Experts.(*adapt.BackboneExperts); ok && t.Config.Mode == finetune.Sparse {
		tuner.Demand = x.Demand(task.Scores)
	}
	plane := 3 * config.ImageSize * config.ImageSize
	in := finetune.Task{Images: make([]float32, len(task.Pictures)*plane), Labels: task.Labels, Way: task.Way, Size: config.ImageSize}
	more := max(task.Each, 1) - 1
	in.Views = make([]float32, len(task.Pictures)*more*plane)
	for i, pic := range task.Pictures {
		pic = from.Reduce(pic)
		pic.Tensor(in.Images[i*plane:(i+1)*plane], config.Mean, config.Std)
		if more == 0 {
			continue
		}
		for k, view := range pic.Views()[1:task.Each] {
			view.Tensor(in.Views[(i*more+k)*plane:][:plane], config.Mean, config.Std)
		}
	}
	if err := progress(0, 0); err != nil {
		return nil, err
	}
	r, err := tuner.Tune(in, t.Config)
	if err == nil {
		err = enough
	}
	if err != nil {
		return nil, err
	}
	tuned := &adapt.Tuned{Report: &adapt.TuningReport{Mode: string(t.Config.Mode), Steps: t.Config.Steps, Rate: r.Rate, Part: r.Part, Held: r.Held}}
	for _, v := range r.Votes {
		tuned.Report.Trials = append(tuned.Report.Trials, adapt.TuningTrial(v))
	}
	for _, f := range r.Folds {
		tuned.Folds = append(tuned.Folds, adapt.Fold(f))
	}
	take(tuned, from, r.Change, r.Model)
	return tuned, nil
}

// take makes a change what was tuned, and model what it makes of a backbone. Where nothing changes, nothing was tuned.
func take(tuned *adapt.Tuned, from *adapt.Backbone, change *sparse.Change, model *vit.Int8Model) {
	r := tuned.Report
	r.Moved, r.Parts, r.Kinds = change.Share()
	if change.Len() == 0 {
		return
	}
	r.Change = change.File()
	tuned.Embedder = from.With(model)
	tuned.Again = func(from adapt.Embedder) adapt.Embedder {
		b := backbone(from)
		_, model, err := Apply(r.Change, b.Model())
		if err != nil {
			panic(fmt.Sprintf("tune: a change that fitted the backbone: %v", err))
		}
		return b.With(model)
	}
}

func backbone(e adapt.Embedder) *adapt.Backbone {
	if b, ok := e.(*adapt.Backbone); ok {
		return b
	}
	panic(fmt.Sprintf("tune: want a task of an *adapt.Backbone, have %T", e))
}
