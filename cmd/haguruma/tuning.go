package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"haguruma/adapt"
	"haguruma/adapt/journal"
	"haguruma/adapt/tune"
	"haguruma/sparse/finetune"
)

// adaptModes are what adapt --finetune takes.
var adaptModes = slices.DeleteFunc(slices.Clone(finetune.Modes), func(m finetune.Mode) bool { return m == finetune.None })

// adaptTuning are the flags of adapt about fine-tuning.
type adaptTuning struct {
	mode string
	tuningFlags
}

func (x *adaptTuning) add(flags *pflag.FlagSet) {
	flags.StringVar(&x.mode, "finetune", "", fmt.Sprintf("take gradient steps too: `MODE` %s (default: none)", names(adaptModes)))
	x.tuningFlags.add(flags)
}

// tuner is nil without --finetune.
func (x *adaptTuning) tuner(depth int) (adapt.Tuner, error) {
	if x.mode == "" {
		return nil, nil
	}
	cfg := x.config(x.mode)
	if err := cfg.Check(depth); err != nil {
		return nil, usagef("--finetune %s: %v", x.mode, err)
	}
	return tune.Tuner{Config: cfg}, nil
}

func (x *adaptTuning) check() error {
	switch {
	case x.mode == "":
		return x.alone()
	case !slices.Contains(adaptModes, finetune.Mode(x.mode)):
		return usagef("--finetune %q: want one of %s", x.mode, names(adaptModes))
	}
	return nil
}

// fineTuned is what fine-tuning did, for --json.
type fineTuned struct {
	Mode    string        `json:"mode"`
	Steps   int           `json:"steps"`
	Rate    float64       `json:"rate"` // learning rate that was voted for; 0: nothing changes
	Part    float64       `json:"part"` // of the change, that was taken
	Moved   int           `json:"moved"`
	Changed float64       `json:"changed"` // share of the backbone's weights, 0..1
	Parts   []partShare   `json:"parts"`   // blocks, and what is before and behind them
	Kinds   []partShare   `json:"kinds"`   // of tensors in the blocks
	Held    int           `json:"held"`    // examples that the votes are about
	Trials  []tuningTrial `json:"trials"`  // of no change, then of every rate and part
}

type tuningTrial struct {
	Rate     float64  `json:"rate"`
	Part     float64  `json:"part"`
	Right    int      `json:"right"`
	Expected float64  `json:"expected"` // right ones to expect, what decides
	Loss     *float64 `json:"loss"`     // null: the weights left the finite numbers
}

// tunedBy is nil without fine-tuning.
func tunedBy(r *adapt.TuningReport) *fineTuned {
	if r == nil {
		return nil
	}
	t := &fineTuned{Mode: r.Mode, Steps: r.Steps, Rate: r.Rate, Part: r.Part, Moved: r.Moved.Changed, Changed: r.Moved.Part(), Held: r.Held}
	t.Parts, t.Kinds = shares(r.Parts), shares(r.Kinds)
	for _, v := range r.Trials {
		one := tuningTrial{Rate: v.Rate, Part: v.Part, Right: v.Right, Expected: v.Expected}
		if v.Loss-v.Loss == 0 {
			one.Loss = &v.Loss
		}
		t.Trials = append(t.Trials, one)
	}
	return t
}

// tell says it in a line or two.
func (t *fineTuned) tell(w io.Writer) {
	if t.Rate == 0 {
		why := "every rate that was tried does worse on examples that it has not seen"
		if len(t.Trials) == 1 {
			why = fmt.Sprintf("%d of %d examples are right when left out, and steps can gain too little", t.Trials[0].Right, t.Held)
		}
		fmt.Fprintf(w, "fine-tuning (%s): changes nothing, %s\n", t.Mode, why)
		return
	}
	fmt.Fprintf(w, "fine-tuning (%s): %s at rate %g, of which %.0f%% is taken; %.1f%% of the weights move\n", t.Mode, count(t.Steps, "step", "steps"), t.Rate, 100*t.Part, 100*t.Changed)
	if len(t.Trials) == 0 {
		return
	}
	for _, v := range t.Trials {
		if v.Rate == t.Rate && v.Part == t.Part {
			fmt.Fprintf(w, "  of %d examples that the trials left out, %d are right, where %.2f were to be expected; without it %d and %.2f\n",
				t.Held, v.Right, v.Expected, t.Trials[0].Right, t.Trials[0].Expected)
		}
	}
}

// details are the same for the journal.
func (t *fineTuned) details() []journal.Detail {
	return []journal.Detail{
		journal.Text("finetune", t.Mode), journal.Integer("steps", t.Steps), journal.Number("rate", t.Rate), journal.Number("part", t.Part),
		journal.Integer("moved", t.Moved), journal.Number("moved-share", t.Changed),
	}
}
