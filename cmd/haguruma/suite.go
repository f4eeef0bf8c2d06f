package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
	"haguruma/sparse/metatune"
)

// Files that eval --suite leaves in --out.
const (
	suiteFile        = "suite.json"
	reportFile       = "report.json"
	reportMarkedFile = "report.md"
)

// suiteFlags are the flags of eval that go with --suite.
type suiteFlags struct {
	data, out      string
	baseline       string
	baselineMethod string
	heads          []string
	unknown        bool
}

func (s *suiteFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.data, "suite", "", "as --data, but measure the whole suite, by groups of sets")
	flags.StringVarP(&s.out, "out", "o", "", "folder for suite.json, report.md and report.json of --suite; go on from what is there")
	flags.StringVar(&s.baseline, "baseline", "", "suite.json to take the differences against (default: this run)")
	flags.StringVar(&s.baselineMethod, "baseline-method", "", "method of the baseline, as the tables call it (default: its first)")
	flags.StringSliceVar(&s.heads, "head", nil, "with --suite: a row more for each method and head: "+strings.Join(evalHeads(), ", "))
	flags.BoolVar(&s.unknown, "unknown", false, "with --suite: how well pictures of classes that are not in an episode are told from its own")
}

// apply gives cfg the suite's own defaults where no flag was set.
func (s *suiteFlags) apply(command *cobra.Command, cfg *metatune.EvaluateConfig) error {
	if s.data == "" {
		for _, name := range []string{"out", "baseline", "baseline-method", "head", "unknown"} {
			if command.Flags().Changed(name) {
				return usagef("--%s goes with --suite", name)
			}
		}
		return nil
	}
	if err := exclusive(command, "data", "suite"); err != nil {
		return err
	}
	for i, name := range s.heads {
		if !slices.Contains(evalHeads(), name) || slices.Contains(s.heads[:i], name) {
			return usagef("--head %q: want some of %s, each once", name, strings.Join(evalHeads(), ", "))
		}
	}
	if s.unknown && (s.out != "" || s.baseline != "" || len(s.heads) > 0) {
		return usagef("--unknown goes without --out, --baseline and --head")
	}
	suite := metatune.DefaultSuite(s.data)
	cfg.Data = suite.Data
	if !command.Flags().Changed("settings") {
		cfg.Settings = suite.Settings
	}
	if !command.Flags().Changed("per-class") {
		cfg.PerClass = suite.PerClass
	}
	return nil
}

// headNames are the kinds of heads.
func headNames() (names []string) {
	for _, kind := range fewshot.Kinds {
		names = append(names, string(kind))
	}
	return names
}

// evalHeads are the heads that a suite has rows for: as a task makes them unasked, so of views of each example, and of each kind alone.
func evalHeads() []string {
	return append([]string{string(metatune.HeadChosen), string(metatune.HeadViews)}, headNames()...)
}

// withHeads adds the methods with other heads, each after its own.
func (s *suiteFlags) withHeads(methods []metatune.Method) (all []metatune.Method) {
	for _, m := range methods {
		all = append(all, m)
		for _, kind := range s.heads {
			all = append(all, metatune.WithHead(m, fewshot.Kind(kind)))
		}
	}
	return all
}

func (a *app) evalUnknown(ctx context.Context, f *evalFlags) error {
	methods, err := f.open()
	if err != nil {
		return err
	}
	progress := a.newReporter()
	defer progress.close()
	figures, err := metatune.EvaluateUnknown(ctx, f.cfg, methods, progress.report)
	progress.close()
	if err != nil {
		return err
	}
	if f.asJSON {
		return a.writeJSON(figures)
	}
	fmt.Fprint(a.stdout, metatune.UnknownMarkdown(figures))
	return nil
}

func (a *app) evalSuite(ctx context.Context, f *evalFlags) error {
	if f.suite.unknown {
		return a.evalUnknown(ctx, f)
	}
	var baseline *metatune.Suite
	if f.suite.baseline != "" {
		var err error
		if baseline, err = metatune.ReadSuite(f.suite.baseline); err != nil {
			return err
		}
		if err := baseline.CanCompare(f.cfg.Plan(), f.suite.baselineMethod); err != nil { // before hours of work
			return err
		}
	}
	methods, err := f.open()
	if err != nil {
		return err
	}
	methods = f.suite.withHeads(methods)
	name := f.suite.baselineMethod
	if baseline == nil && name != "" && !slices.ContainsFunc(methods, func(m metatune.Method) bool { return m.Name == name }) {
		return usagef("--baseline-method %q: no method of this run is called that", name)
	}
	path := ""
	if f.suite.out != "" {
		if err := os.MkdirAll(f.suite.out, 0o755); err != nil {
			return err
		}
		path = filepath.Join(f.suite.out, suiteFile)
	}
	progress := a.newReporter()
	defer progress.close()
	suite, err := metatune.RunSuite(ctx, f.cfg, methods, path, progress.report)
	progress.close()
	if errors.Is(err, context.Canceled) && path != "" {
		return fmt.Errorf("stopped; the same command goes on from %s", path)
	}
	if err != nil {
		return err
	}
	report, err := suite.Report(baseline, f.suite.baselineMethod)
	if err != nil {
		return err
	}
	report.Against = f.suite.baseline
	if err := f.suite.write(report, methods); err != nil {
		return err
	}
	if f.asJSON {
		return a.writeJSON(report)
	}
	fmt.Fprint(a.stdout, report.Markdown())
	return nil
}

// write leaves the report in --out, if there is one, and the trade-off of the experts that were asked for.
func (s *suiteFlags) write(report *metatune.SuiteReport, methods []metatune.Method) error {
	if s.out == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := tensorfile.WriteFile(filepath.Join(s.out, reportFile), append(text, '\n')); err != nil {
		return err
	}
	if _, err := report.PlotTradeoff(s.out, methods); err != nil {
		return err
	}
	return tensorfile.WriteFile(filepath.Join(s.out, reportMarkedFile), []byte(report.Markdown()))
}
