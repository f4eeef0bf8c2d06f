package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"haguruma/core/fewshot"
	"haguruma/core/vit"
	"haguruma/sparse/metatune"
)

// Names of what eval can measure. A new one has its name here and in
// methodNames, and its case in evalFlags.open.
const (
	methodInt8   = "int8"
	methodFloat  = "float"
	methodRandom = "random"
	methodPixels = "pixels"
)

var methodNames = []string{methodInt8, methodFloat, methodRandom, methodPixels}

type evalFlags struct {
	cfg             metatune.EvaluateConfig
	bundle, weights string
	methods         []string
	asJSON          bool
	suite           suiteFlags
	experts         expertsFlags
	finetune        finetuneFlags
}

// agreement is how close two embeddings of the same pictures are.
type agreement struct {
	Set      string  `json:"set"`
	Pictures int     `json:"pictures"`
	Mean     float64 `json:"meanCosine"`
	Least    float64 `json:"leastCosine"`
}

func (a *app) evalCommand() *cobra.Command {
	f := &evalFlags{cfg: metatune.EvaluateConfig{
		Split: fewshot.Test, Settings: []metatune.Setting{{Way: 5, Shot: 1}, {Way: 5, Shot: 5}, {Way: 20, Shot: 5}}, Episodes: 600, Seed: 1,
	}}
	command := &cobra.Command{
		Use:   "eval --data FOLDER | --suite FOLDER",
		Short: "Measure few-shot accuracy on classes that training has not seen",
		Long: `eval draws episodes (WAY classes, SHOT examples each, 15 queries a class) from
sets of pictures and reports the mean accuracy with its 95% interval. Every
method sees the same episodes; differences are paired, against the first method.

Methods: int8 is the bundle as it runs everywhere; float the float32 weights of
--weights (weights.safetensors of a training run); random an untrained backbone
of the same shape; pixels the raw picture at 32 pixels. With both int8 and
float, the cosine between their embeddings is reported too.

The role of a set in datasets.json decides which split it may be measured on.

--suite measures what the project reports: 5-way 1-shot, 5-way 5-shot, and
ways and shots that vary as in Meta-Dataset, on at most 150 pictures a class
(no set of ours but tiny-imagenet has more), for each set and as the mean of
groups: in-distribution, the test classes of the sets that training used;
out-of-distribution, the sets marked ood-test; and industrial, those of them
whose domain says so. With --split val, for choosing, the groups are the
validation classes and the sets marked meta-val. Sets with fewer classes than
ways use all they have; classes with too few pictures are an error.
Differences are paired, against the first method or against --baseline, a
suite.json of another run on the same episodes. --out keeps suite.json, with
the outcome of every episode, report.md and report.json. Interrupted (Ctrl-C)
or stopped, the same command goes on from suite.json; more methods, sets or
settings add to it. A suite.json of other episodes, data or weights is refused.
Methods that adapt their weights to the task are routed and merged task by
task, tasks of equal scores together; the report says where they were routed.
--experts adds a row for each file of experts, merged into the bundle; of files
that differ in sparsity --out has a drawing of the trade-off too.
--head adds rows with other heads than the nearest prototype on the same
embeddings: chosen is the blend that leave-one-out on the support weighs, as
adapting makes it, views the same of eight views of each example. --unknown measures instead how well queries are told from as many
pictures of classes that are not in the episode: AUROC, and how many of each the
threshold calls unknown; with --experts too, without --finetune.
--finetune adds a row for each way to take gradient steps on the support of
each task, from what the experts merge where there are some; the report says
which learning rates were chosen and how long it took.`,
		Example: `  haguruma eval --data data
  haguruma eval --suite ../shared/data --out out/suite
  haguruma eval --suite ../shared/data --methods int8 --out out/mine --baseline out/suite/suite.json
  haguruma eval --suite ../shared/data --experts out/experts/experts.safetensors.zst --experts pmf=out/pmf/experts.safetensors.zst
  haguruma eval --suite ../shared/data --methods int8 --head chosen,views --settings 5x5 --episodes 200
  haguruma eval --suite ../shared/data --methods int8 --unknown --settings 5x5 --episodes 200
  haguruma eval --suite ../shared/data --settings 5x5 --episodes 40 --finetune sparse,full --out out/tuned
  haguruma eval --data data --sets omniglot --settings 5x1,20x5 --json
  haguruma eval --data data --methods float,int8,random,pixels --weights out/weights.safetensors`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := f.suite.apply(command, &f.cfg); err != nil {
				return err
			}
			if len(f.experts.files)+len(f.finetune.modes) > 0 && !command.Flags().Changed("methods") {
				f.methods = []string{methodInt8}
			}
			if err := f.check(); err != nil {
				return err
			}
			if f.suite.data != "" {
				return a.evalSuite(command.Context(), f)
			}
			return a.eval(command.Context(), f)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.cfg.Data, "data", "", "folder with datasets.json and the sets' zips")
	f.suite.add(flags)
	flags.StringVarP(&f.bundle, "bundle", "b", "", "bundle or its manifest (default: www/models/default.json)")
	flags.StringVar(&f.weights, "weights", "", "float32 weights, for the method float")
	flags.StringArrayVar(&f.experts.files, "experts", nil, "experts of haguruma metatune, FILE or NAME=FILE, again for each file (with --suite; --methods is then int8)")
	flags.BoolVar(&f.experts.float, "experts-float", false, "merge and run the experts in float32, on --weights or what the bundle stands for")
	f.finetune.add(flags)
	flags.StringSliceVar(&f.methods, "methods", []string{methodInt8, methodRandom, methodPixels}, "what to measure: "+strings.Join(methodNames, ", "))
	flags.StringSliceVar(&f.cfg.Sets, "sets", nil, "sets to measure on (default: every set that has the split)")
	flags.StringVar(&f.cfg.Split, "split", f.cfg.Split, "test or val")
	flags.Var(&settingsFlag{&f.cfg.Settings}, "settings", "WAYxSHOT each, or varying; ways are capped at the classes there are\n(with --suite: 5x1,5x5,varying)")
	flags.IntVar(&f.cfg.Episodes, "episodes", f.cfg.Episodes, "episodes for each figure")
	flags.IntVar(&f.cfg.PerClass, "per-class", 0, "pictures of each class that take part, the first in order; 0: all (with --suite: 150)")
	flags.Uint64Var(&f.cfg.Seed, "seed", f.cfg.Seed, "seed of the episodes")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON instead of a Markdown table")
	return command
}

func (f *evalFlags) check() error {
	switch {
	case f.cfg.Data == "":
		return usagef("--data or --suite is missing: the folder with datasets.json and the sets")
	case f.cfg.Split != fewshot.Test && f.cfg.Split != fewshot.Val:
		return usagef("--split %q: want test or val", f.cfg.Split)
	case f.cfg.Episodes < 2:
		return usagef("--episodes %d: want at least 2, an interval needs them", f.cfg.Episodes)
	case f.cfg.PerClass < 0:
		return usagef("--per-class %d: want 0 or more", f.cfg.PerClass)
	case len(f.methods) == 0:
		return usagef("--methods is empty")
	}
	for i, name := range f.methods {
		if !slices.Contains(methodNames, name) {
			return usagef("--methods %q: want some of %s", name, strings.Join(methodNames, ", "))
		}
		if slices.Contains(f.methods[:i], name) {
			return usagef("--methods: %s is there twice", name)
		}
	}
	if slices.Contains(f.methods, methodFloat) != (f.weights != "") && !f.experts.float {
		return usagef("--weights FILE and the method float go together")
	}
	if err := f.finetune.check(f.suite.data != ""); err != nil {
		return err
	}
	return f.experts.check(f.suite.data != "")
}

func (a *app) eval(ctx context.Context, f *evalFlags) error {
	methods, err := f.open()
	if err != nil {
		return err
	}
	progress := a.newReporter()
	defer progress.close()
	rows, err := metatune.Evaluate(ctx, f.cfg, methods, progress.report)
	if err != nil {
		return err
	}
	var agreements []agreement
	int8At, floatAt := slices.Index(f.methods, methodInt8), slices.Index(f.methods, methodFloat)
	if int8At >= 0 && floatAt >= 0 {
		if agreements, err = f.agree(ctx, rows, methods[int8At], methods[floatAt], progress.report); err != nil {
			return err
		}
	}
	progress.close()
	if f.asJSON {
		return a.writeJSON(map[string]any{"split": f.cfg.Split, "episodes": f.cfg.Episodes, "seed": f.cfg.Seed, "rows": rows, "agreement": agreements})
	}
	fmt.Fprint(a.stdout, metatune.Markdown(rows))
	fmt.Fprintf(a.stdout, "\nAccuracy in per cent, mean and half-width of the 95%% interval over %d episodes, seed %d, split %s; differences are paired, against %s.\n",
		f.cfg.Episodes, f.cfg.Seed, f.cfg.Split, methods[0].Name)
	for _, g := range agreements {
		fmt.Fprintf(a.stdout, "int8 and float embeddings, %s: cosine mean %.5f, least %.5f over %d pictures.\n", g.Set, g.Mean, g.Least, g.Pictures)
	}
	return nil
}

// open makes the methods in the order asked for.
func (f *evalFlags) open() ([]metatune.Method, error) {
	var shape vit.Config
	var b *bundle
	if slices.Contains(f.methods, methodInt8) || len(f.experts.files)+len(f.finetune.modes) > 0 || f.weights == "" && slices.Contains(f.methods, methodRandom) {
		var err error
		if b, err = openBundle(f.bundle); err != nil {
			return nil, err
		}
		shape = b.model.Config()
	}
	var params *vit.Params[float32]
	if f.weights != "" {
		var err error
		if params, err = openWeights(f.weights); err != nil {
			return nil, err
		}
		if b == nil {
			shape = params.Config
		}
	}
	var methods []metatune.Method
	for _, name := range f.methods {
		switch name {
		case methodInt8:
			m := metatune.Int8(strings.TrimSpace(b.name+" int8"), shape, b.model.Share)
			m.Identity = b.hash
			methods = append(methods, m)
		case methodFloat:
			methods = append(methods, metatune.Float("float32", params))
		case methodRandom:
			methods = append(methods, metatune.Random(shape, f.cfg.Seed))
		case methodPixels:
			methods = append(methods, metatune.RawPixels())
		}
	}
	experts, err := f.experts.open()
	if err != nil {
		return nil, err
	}
	merged, err := f.experts.methods(experts, b, params)
	if err != nil {
		return nil, err
	}
	tuned, err := f.finetune.methods(experts, b)
	return slices.Concat(methods, merged, tuned), err
}

// agreePerClass is how many pictures of each class agree compares.
const agreePerClass = 8

// agree compares the embeddings of two methods on the sets that were measured.
func (f *evalFlags) agree(ctx context.Context, rows []metatune.Row, x, y metatune.Method, progress metatune.Progress) ([]agreement, error) {
	splits, err := fewshot.LoadSplits(filepath.Join(f.cfg.Data, "datasets.json"))
	if err != nil {
		return nil, err
	}
	var out []agreement
	for _, row := range rows {
		if slices.ContainsFunc(out, func(g agreement) bool { return g.Set == row.Set }) {
			continue
		}
		g, err := agreeOn(ctx, splits, row.Set, f.cfg.Split, x, y, progress)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

func agreeOn(ctx context.Context, splits fewshot.Splits, set, split string, x, y metatune.Method, progress metatune.Progress) (agreement, error) {
	g := agreement{Set: set, Least: 1}
	data, err := splits.Open(set, split)
	if err != nil {
		return g, err
	}
	defer data.Close()
	first, err := metatune.EmbedDataset(ctx, data, agreePerClass, x, progress)
	if err != nil {
		return g, err
	}
	second, err := metatune.EmbedDataset(ctx, data, agreePerClass, y, progress)
	if err != nil {
		return g, err
	}
	for class := range data.Classes {
		for image := range min(agreePerClass, len(data.Classes[class].Images)) {
			c := cosine(first.Image(class, image), second.Image(class, image))
			g.Pictures++
			g.Mean += c
			g.Least = min(g.Least, c)
		}
	}
	g.Mean /= float64(g.Pictures)
	return g, nil
}

func cosine(x, y []float32) float64 {
	var xy, xx, yy float64
	for i := range x {
		xy += float64(x[i]) * float64(y[i])
		xx += float64(x[i]) * float64(x[i])
		yy += float64(y[i]) * float64(y[i])
	}
	return xy / math.Sqrt(xx*yy)
}
