package main

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/signature"
	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
)

type adaptFlags struct {
	out, task, bundle, experts, sign, head string
	noExperts, asJSON, force, views        bool
	tuning                                 adaptTuning
}

// adaptedTo is what adapt did, for --json.
type adaptedTo struct {
	Adapter     *adapterInfo `json:"adapter,omitempty"`
	File        string       `json:"file,omitempty"`
	Bytes       int          `json:"bytes,omitempty"`
	Classes     []classCount `json:"classes"`
	Views       int          `json:"views,omitempty"` // of each example, that the head was fitted to
	LeaveOneOut *leftOut     `json:"leaveOneOut"`     // null: a class has one example
	Experts     *expertsUsed `json:"experts,omitempty"`
	FineTuning  *fineTuned   `json:"fineTuning,omitempty"`
	Task        string       `json:"task,omitempty"`
	Version     int          `json:"version,omitempty"` // in use now
	New         bool         `json:"new,omitempty"`     // it was made by this run
	Changes     *changes     `json:"changes,omitempty"` // of the task
	Verdict     *verdict     `json:"verdict,omitempty"` // how it compares with the version that was in use
	Doubts      []doubt      `json:"doubts,omitempty"`  // examples to look at, the worst first
}

type verdict struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// doubt is an example that the others take for another class.
type doubt struct {
	Example     string  `json:"example"`
	Said        string  `json:"said"` // the class that they take it for
	Probability float32 `json:"probability"`
}

// leftOut is how well the examples predict each other.
type leftOut struct {
	Hits     int     `json:"hits"`
	Total    int     `json:"total"`
	Accuracy float64 `json:"accuracy"`
	Low      float64 `json:"low"` // 95% interval
	High     float64 `json:"high"`
}

func (a *app) adaptCommand() *cobra.Command {
	f := adaptFlags{}
	command := &cobra.Command{
		Use:   "adapt [FOLDER_OR_ZIP] {-o FILE | --task FOLDER}",
		Short: "Learn from labelled examples, into a small file that classifies anywhere",
		Long: `adapt learns from a folder (or zip) that has one folder per class with the class's
pictures in it, and writes what it learned as an adapter: a file of a few kilobytes
without any picture in it. haguruma classify --adapter, here or on another machine
with the same bundle, gives the same answers as the examples would.

--task keeps the examples, every adaptation and a journal in a folder, so that you can
go on: give the same folder of examples again after pictures were added, removed or
moved to another class, or none to adapt again to what the task has. haguruma history,
rollback and journal look into it. An adaptation that is worse on left-out examples than the
one in use is not taken, unless --force says so. Nothing that adapt has said is done is ever lost,
whatever crashes; the same file in two classes is refused.

--views looks at each example eight ways, mirrored, nearer, wider and higher, before it chooses
a classifier: worth its second where pictures are few or unlike photographs. --finetune does so
too, unless --views=false says not to.

--finetune takes gradient steps on the examples as well, which takes seconds to minutes
and makes the file up to a megabyte: on the weights that experts or the gradient ask for
most (sparse), on norms alone (norm), on low-rank factors (lora), or on all (full). How much of
what they change is taken, a quarter, half, all or nothing, is voted on by examples that a trial
has not seen.

--sign signs the adapter with a private key, as haguruma key makes them, so that others
can tell it is yours.`,
		Example: `  haguruma adapt castings/ -o castings.safetensors
  haguruma adapt castings/ --task castings.task
  haguruma adapt castings/ -o castings.safetensors --views
  haguruma adapt castings/ -o castings.safetensors --finetune sparse
  haguruma adapt --task castings.task -o castings.safetensors --sign mine.pem
  haguruma classify --adapter castings.safetensors new/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("want one folder or zip of examples, have %d", len(args))
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := exclusive(command, "experts", "no-experts"); err != nil {
				return err
			}
			from := ""
			if len(args) == 1 {
				from = args[0]
			}
			switch {
			case f.out == "" && f.task == "":
				return usagef("--out is missing: the file to write; or --task, to keep it in a folder")
			case from == "" && f.task == "":
				return usagef("no examples: name a folder or zip with one folder per class")
			case f.sign != "" && f.out == "":
				return usagef("--sign goes with --out")
			case f.force && f.task == "":
				return usagef("--force goes with --task")
			case f.head != "" && !slices.Contains(fewshot.Kinds, fewshot.Kind(f.head)):
				return usagef("--head %q: want one of %v", f.head, fewshot.Kinds)
			}
			if err := f.tuning.check(); err != nil {
				return err
			}
			if f.tuning.mode != "" && !command.Flags().Changed("views") {
				f.views = true // what steps cost, views do not
			}
			return a.adapt(command.Context(), f, from)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.out, "out", "o", "", "adapter file to write")
	flags.StringVarP(&f.task, "task", "t", "", "folder to keep examples, versions and journal in; made when it is missing")
	flags.StringVarP(&f.bundle, "bundle", "b", "", "bundle or its manifest (default: www/models/default.json)")
	flags.StringVar(&f.experts, "experts", "", "experts of the bundle (default: those that its manifest names)")
	flags.BoolVar(&f.noExperts, "no-experts", false, "use the backbone alone, even if its manifest names experts")
	flags.StringVar(&f.head, "head", "", "classifier: prototypes, ridge, lda, logistic or blend (default: by leave-one-out)")
	flags.BoolVar(&f.views, "views", false, "fit the classifier to eight views of each example, fewer where there are more than 80 (default: with --finetune)")
	f.tuning.add(flags)
	flags.BoolVar(&f.force, "force", false, "take it into use even if it is worse than the version in use")
	flags.StringVar(&f.sign, "sign", "", "private key to sign the file with (PEM)")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return command
}

func (a *app) adapt(ctx context.Context, f adaptFlags, from string) error {
	var key *signature.Key
	if f.sign != "" { // before the work
		data, err := tensorfile.ReadFile(f.sign, maxText)
		if err != nil {
			return err
		}
		if key, err = signature.ReadKey(data); err != nil {
			return fmt.Errorf("%s: %w", f.sign, err)
		}
	}
	b, err := openBundle(f.bundle)
	if err != nil {
		return err
	}
	tuner, err := f.tuning.tuner(b.Config().Depth)
	if err != nil {
		return err
	}
	var experts *expertsFile
	if !f.noExperts {
		if experts, err = b.expertsFor(f.experts); err != nil {
			return err
		}
	}
	var classes []labelled
	if from != "" {
		list, data, err := a.readLabelled(from)
		if err != nil {
			return err
		}
		defer data.Close()
		classes = list
	}
	progress := a.newReporter()
	defer progress.close()
	t, err := newTaught(b, experts, progress)
	if err != nil {
		return err
	}
	r, o := &adaptedTo{}, adapt.Options{Head: fewshot.Kind(f.head), Tuner: tuner, Views: f.views, Force: f.force}
	var result *adapter.Adapter
	if f.task == "" {
		result, err = a.adaptOnce(ctx, o, t, from, classes, r)
	} else {
		result, err = a.adaptTask(ctx, o, t, f, from, classes, r)
	}
	progress.close()
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := r.write(f.out, result, key); err != nil {
			return err
		}
		if f.task != "" {
			if err := noteExport(f.task, f.out, result); err != nil {
				return err
			}
		}
	}
	info := describe(result)
	r.Adapter = &info
	if f.asJSON {
		return a.writeJSON(r)
	}
	return a.tellAdapted(r)
}

// write saves the adapter, signed where there is a key.
func (r *adaptedTo) write(path string, result *adapter.Adapter, key *signature.Key) error {
	if key != nil {
		if err := result.Sign(key); err != nil {
			return err
		}
	}
	data, err := result.Encode()
	if err != nil {
		return err
	}
	r.File, r.Bytes = path, len(data)
	return tensorfile.WriteFile(path, data)
}

// say puts what came out of an adaptation into r, and provenance into the adapter.
func (r *adaptedTo) say(t *taught) *adapter.Adapter {
	result := t.adapter()
	r.Views = result.Provenance.Views
	result.Provenance.Time, result.Provenance.Tool = now(), version
	if l := t.task.InUse().LeaveOneOut; l != nil {
		result.Provenance.Hits, result.Provenance.Total = l.Hits, l.Total
		r.LeaveOneOut = &leftOut{l.Hits, l.Total, l.Accuracy, l.Low, l.High}
	}
	for _, c := range t.classes {
		r.Classes = append(r.Classes, classCount{c.name, len(c.images)})
	}
	r.Experts, r.FineTuning = usedExperts(t.task.Choice()), tunedBy(t.task.Version().Tuning)
	classes, examples := map[int]string{}, map[int]string{} // names, in the order of the task
	for i, c := range t.task.Classes() {
		classes[c.ID] = c.Name
		for j, id := range c.Examples {
			examples[id] = c.Name + "/" + path.Base(t.classes[i].images[j].name)
		}
	}
	for _, d := range t.task.Review() {
		r.Doubts = append(r.Doubts, doubt{examples[d.Example], classes[d.Said], d.Saying})
	}
	return result
}

// adaptOnce keeps nothing.
func (a *app) adaptOnce(ctx context.Context, o adapt.Options, t *taught, from string, classes []labelled, r *adaptedTo) (*adapter.Adapter, error) {
	if err := t.teach(ctx, from, classes); err != nil {
		return nil, err
	}
	if _, err := t.adapt(ctx, from, o); err != nil {
		return nil, err
	}
	result := r.say(t)
	_, err := result.Encode() // which gives it its name
	return result, err
}

func (a *app) tellAdapted(r *adaptedTo) error {
	examples := 0
	for _, c := range r.Classes {
		examples += c.Examples
	}
	fmt.Fprintf(a.stdout, "%s, %s\n", count(len(r.Classes), "class", "classes"), count(examples, "example", "examples"))
	if c := r.Changes; c != nil && c.any() {
		fmt.Fprintf(a.stdout, "changes of the task: %d added, %d removed, %d moved to another class; classes: %d added, %d removed\n",
			c.Added, c.Removed, c.Relabelled, c.ClassesAdded, c.ClassesRemoved)
	}
	if r.Views > 0 {
		fmt.Fprintf(a.stdout, "views: %d of each example\n", r.Views)
	}
	if x := r.Experts; x != nil {
		fmt.Fprintf(a.stdout, "experts: %d, which change %.1f%% of the weights\n", len(x.Scores), 100*x.Changed)
	}
	if r.FineTuning != nil {
		r.FineTuning.tell(a.stdout)
	}
	how, why := "one by one", "a class has a single example"
	if r.FineTuning != nil && r.FineTuning.Rate > 0 {
		if how = "part by part"; len(r.FineTuning.Trials) == 0 {
			why = "without votes the weights have seen every example"
		}
	}
	if l := r.LeaveOneOut; l != nil {
		fmt.Fprintf(a.stdout, "left out %s: %d of %d right, %.0f%% (95%% interval %.0f%% to %.0f%%)\n", how, l.Hits, l.Total, 100*l.Accuracy, 100*l.Low, 100*l.High)
	} else {
		fmt.Fprintf(a.stdout, "left out %s: not possible, %s\n", how, why)
	}
	for i, d := range r.Doubts {
		if i == 5 {
			fmt.Fprintf(a.stdout, "  and %d more; --json lists all\n", len(r.Doubts)-i)
			break
		}
		fmt.Fprintf(a.stdout, "  look at %s: the others take it for %s (%.0f%%)\n", printable(d.Example), d.Said, 100*d.Probability)
	}
	if r.Task != "" {
		what := "is in use"
		if !r.New {
			what = "stays in use: nothing that matters has changed"
		}
		fmt.Fprintf(a.stdout, "%s: version %d %s\n", printable(r.Task), r.Version, what)
	}
	if r.File != "" {
		signed := ""
		if r.Adapter.SignedBy != "" {
			signed = ", signed by " + r.Adapter.SignedBy
		}
		fmt.Fprintf(a.stdout, "%s: %d bytes%s\n", printable(r.File), r.Bytes, signed)
	}
	return nil
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
