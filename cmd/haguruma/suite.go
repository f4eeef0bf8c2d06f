package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
}

func (s *suiteFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.data, "suite", "", "as --data, but measure the whole suite, by groups of sets")
	flags.StringVarP(&s.out, "out", "o", "", "folder for suite.json, report.md and report.json of --suite; go on from what is there")
	flags.StringVar(&s.baseline, "baseline", "", "suite.json to take the differences against (default: this run)")
	flags.StringVar(&s.baselineMethod, "baseline-method", "", "method of the baseline, as the tables call it (default: its first)")
}

// apply gives cfg the suite's own defaults where no flag was set.
func (s *suiteFlags) apply(command *cobra.Command, cfg *metatune.EvaluateConfig) error {
	if s.data == "" {
		for _, name := range []string{"out", "baseline", "baseline-method"} {
			if command.Flags().Changed(name) {
				return usagef("--%s goes with --suite", name)
			}
		}
		return nil
	}
	if err := exclusive(command, "data", "suite"); err != nil {
		return err
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

func (a *app) evalSuite(ctx context.Context, f *evalFlags) error {
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
	if err := f.suite.write(report); err != nil {
		return err
	}
	if f.asJSON {
		return a.writeJSON(report)
	}
	fmt.Fprint(a.stdout, report.Markdown())
	return nil
}

// write leaves the report in --out, if there is one.
func (s *suiteFlags) write(report *metatune.SuiteReport) error {
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
	return tensorfile.WriteFile(filepath.Join(s.out, reportMarkedFile), []byte(report.Markdown()))
}
