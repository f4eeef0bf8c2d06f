//go:build js && wasm

package main

import (
	"fmt"
	"slices"

	"haguruma/adapt"
	"haguruma/core/fewshot"
)

// adapting is an adaptation on its way. Go has one thread and a verb holds it: between two pieces of work the adaptation rests, so that the Worker can
// tell how far it is and hear that it shall stop.
type adapting struct {
	progress chan adapt.Progress // closed at the end
	resume   chan struct{}
	stopped  error // nil: go on
	outcome  *adapt.Outcome
	err      error
	fault    any // of a panic
}

// newTuner makes what fine-tunes; nil in the engines that cannot.
var newTuner func(clock func() float64) adapt.Tuner

// tuned is what the page is told of fine-tuning.
var tuned func(r *adapt.TuningReport) any

// Err makes it an adapt.Stopper.
func (run *adapting) Err() error { return run.stopped }

// start lets an adaptation go to its first rest.
func (run *adapting) start(task *adapt.Task, options adapt.Options) {
	run.progress, run.resume = make(chan adapt.Progress), make(chan struct{})
	options.Progress = func(p adapt.Progress) {
		run.progress <- p
		<-run.resume
	}
	go func() {
		defer close(run.progress)
		defer func() { run.fault = recover() }()
		run.outcome, run.err = task.Adapt(run, options)
	}()
}

// adapt(head, force, stepwise, finetune, views): head "" is chosen by leave-one-out. Stepwise, it returns before the first piece of work, and adaptNext goes on; else
// at the end.
func (s *session) adapt(a *arguments) (any, error) {
	options := adapt.Options{Clock: s.border.clock}
	stepwise := false
	if a.more() {
		options.Head = fewshot.Kind(a.string())
	}
	if a.more() {
		options.Force = a.bool()
	}
	if a.more() {
		stepwise = a.bool()
	}
	if a.more() && a.bool() {
		if newTuner == nil {
			return nil, fmt.Errorf("browser: %s: this engine cannot fine-tune: %w", a.verb, errUsage)
		}
		options.Tuner = newTuner(s.border.clock)
	}
	if a.more() {
		options.Views = a.bool()
	}
	if err := s.ready(a); err != nil {
		return nil, err
	}
	if options.Head != "" && !slices.Contains(fewshot.Kinds, options.Head) {
		return nil, fmt.Errorf("browser: %s: no kind of head %q: %w", a.verb, options.Head, errUsage)
	}
	if s.adapting != nil { // the Worker has lost interest
		s.adapting.stopped = errStopped
		s.adapting.resume <- struct{}{}
		<-s.adapting.progress // closed
		s.adapting = nil
	}
	if !stepwise {
		outcome, err := s.task.Adapt(&adapting{}, options)
		if err != nil {
			return nil, err
		}
		return s.adapted(outcome), nil
	}
	s.adapting = &adapting{}
	s.adapting.start(s.task, options)
	return s.rest()
}

// adaptNext(stop) does the next piece of work, or ends the adaptation without a trace.
func (s *session) adaptNext(a *arguments) (any, error) {
	stop := a.bool()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	if s.adapting == nil {
		return nil, fmt.Errorf("browser: %s: nothing is being adapted: %w", a.verb, errUsage)
	}
	if stop {
		s.adapting.stopped = errStopped
	}
	s.adapting.resume <- struct{}{}
	return s.rest()
}

// rest waits for the adaptation to rest or to end.
func (s *session) rest() (any, error) {
	run := s.adapting
	if p, more := <-run.progress; more {
		return object("step done total", string(p.Step), p.Done, p.Total), nil
	}
	s.adapting = nil
	if run.fault != nil {
		panic(run.fault)
	}
	if run.err != nil {
		return nil, run.err
	}
	return s.adapted(run.outcome), nil
}

// clock is the page's, in milliseconds; 0 where it has none.
func (b *border) clock() float64 {
	now, err := b.performance.Call("now")
	if err != nil {
		return 0
	}
	ms, _ := now.Float()
	return ms
}

// adapted is what the page is told of an outcome.
func (s *session) adapted(o *adapt.Outcome) map[string]any {
	out := version(o.Version)
	steps := make([]any, len(o.Version.Timings))
	for i, t := range o.Version.Timings {
		steps[i] = object("step ms", string(t.Step), t.Took)
	}
	for key, v := range object("taken way experts tuned steps", o.Taken, len(o.Version.Classes), chosen(s.task.Choice()), s.task.Tuned(), steps) {
		out[key] = v
	}
	if r := o.Version.Tuning; r != nil {
		out["tuning"] = tuned(r)
	}
	return out
}
