package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/adapt"
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/sparse"
)

type classifyFlags struct {
	support, bundle      string
	asJSON, asCSV, embed bool
	noExperts            bool
}

// expertsUsed is what the experts chose for the task.
type expertsUsed struct {
	Scores  []float32   `json:"scores"`  // one an expert; they sum to 1
	Changed float64     `json:"changed"` // share of the backbone's weights, 0..1
	Parts   []partShare `json:"parts"`   // blocks, and what is before and behind them
	Kinds   []partShare `json:"kinds"`   // of tensors in the blocks
}

type partShare struct {
	Name    string  `json:"name"`
	Changed float64 `json:"changed"`
}

// usedExperts is nil when the task uses the backbone alone.
func usedExperts(c *adapt.Choice) *expertsUsed {
	if c == nil {
		return nil
	}
	list := func(shares []sparse.Share) (out []partShare) {
		for _, s := range shares {
			out = append(out, partShare{s.Name, s.Part()})
		}
		return out
	}
	return &expertsUsed{c.Scores, c.All.Part(), list(c.Parts), list(c.Kinds)}
}

// classScore is the probability of one class.
type classScore struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// classified is what classify says of one file.
type classified struct {
	File        string       `json:"file"`
	Class       string       `json:"class,omitempty"`
	Probability float32      `json:"probability"`
	Scores      []classScore `json:"scores,omitempty"`
	Error       string       `json:"error,omitempty"`
}

type classCount struct {
	Name     string `json:"name"`
	Examples int    `json:"examples"`
}

func (a *app) classifyCommand() *cobra.Command {
	f := classifyFlags{}
	command := &cobra.Command{
		Use:   "classify --support FOLDER_OR_ZIP QUERY...",
		Short: "Classify pictures from a handful of labelled examples",
		Long: `classify learns from a folder (or zip) that has one folder per class with the
class's pictures in it, and says for each query, a picture file or a folder of
them, which class it is and how sure that is. One picture per class is enough;
more are better. Learning is instant: one prototype per class, no training. When the
bundle's manifest names experts, they first choose from the examples which few
weights of the backbone to change; --no-experts leaves it as it is.

Everything is computed on this machine. The bundle is the one in www/models
beside the program or above the working directory, unless --bundle names
another. A query that cannot be read is reported, the others are still
classified, and the exit code is 1.`,
		Example: `  haguruma classify --support castings/ new.jpg
  haguruma classify --support symbols.zip queries/ --csv > result.csv
  haguruma classify --support castings/ queries/ --json
  haguruma classify --embed new.jpg other.png`,
		RunE: func(command *cobra.Command, queries []string) error {
			if err := exclusive(command, "json", "csv"); err != nil {
				return err
			}
			if err := exclusive(command, "embed", "support"); err != nil {
				return err
			}
			if err := exclusive(command, "embed", "csv"); err != nil {
				return err
			}
			if f.support == "" && !f.embed {
				return usagef("--support is missing: a folder or zip with one folder per class")
			}
			if len(queries) == 0 {
				return usagef("no query: name a picture or a folder of pictures")
			}
			if f.embed {
				return a.embedFiles(f, queries)
			}
			return a.classify(command.Context(), f, queries)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&f.support, "support", "s", "", "folder or zip with one folder per class")
	flags.StringVarP(&f.bundle, "bundle", "b", "", "bundle or its manifest (default: www/models/default.json)")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON, with the probability of every class")
	flags.BoolVar(&f.asCSV, "csv", false, "print CSV (UTF-8 with BOM, for spreadsheets)")
	flags.BoolVar(&f.noExperts, "no-experts", false, "use the backbone alone, even if its manifest names experts")
	flags.BoolVar(&f.embed, "embed", false, "print the embedding of each query instead; needs no --support")
	return command
}

func (a *app) classify(ctx context.Context, f classifyFlags, queries []string) error {
	files, others, err := pictureFiles(queries)
	if err != nil {
		return err
	}
	if others > 0 {
		a.passedOver(others, "among the queries: not a picture by name (%s)", strings.Join(pictureSuffixes, " "))
	}
	b, err := openBundle(f.bundle)
	if err != nil {
		return err
	}
	progress := a.newReporter()
	defer progress.close()
	var experts adapt.Experts
	if !f.noExperts {
		if experts, err = b.openExperts(); err != nil {
			return err
		}
	}
	task, classes, err := a.learn(ctx, b, experts, f.support, progress)
	if err != nil {
		return err
	}
	results := make([]classified, len(files))
	var failures []error
	for i, file := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if results[i], err = classifyFile(task, file); err != nil {
			failures = append(failures, err)
		}
		progress.report("classify", i+1, len(files), "")
	}
	progress.close()
	switch {
	case f.asJSON:
		out := map[string]any{
			"bundle":  map[string]any{"name": b.name, "sha256": b.hash},
			"classes": classes, "results": results,
		}
		if used := usedExperts(task.Choice()); used != nil {
			out["experts"] = used
		}
		err = a.writeJSON(out)
	case f.asCSV:
		err = a.writeCSV(results)
	default:
		err = a.writeTable(results)
	}
	if err == nil && len(failures) > 0 {
		a.tellFailures(failures)
		return reportedError{failures[0]}
	}
	return err
}

// tellFailures says what went wrong with each query, and each remedy once.
func (a *app) tellFailures(failures []error) {
	var hints []string
	for _, err := range failures {
		fmt.Fprintf(a.stderr, "haguruma classify: %v\n", err)
		if hint := remedy(err); hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	for _, hint := range hints {
		fmt.Fprintf(a.stderr, "remedy: %s\n", hint)
	}
}

// passedOver says how many files were left out, and where: a folder of photos
// in a format we do not read must not shrink in silence.
func (a *app) passedOver(n int, format string, args ...any) {
	if a.quiet {
		return
	}
	what := "1 file is passed over "
	if n > 1 {
		what = fmt.Sprintf("%d files are passed over ", n)
	}
	fmt.Fprintf(a.stderr, "haguruma classify: "+what+format+"\n", args...)
}

// learn makes a task of the classes and pictures of a folder or zip. experts may be nil.
func (a *app) learn(ctx context.Context, b *bundle, experts adapt.Experts, support string, progress *reporter) (*adapt.Task, []classCount, error) {
	data, err := fewshot.OpenDataset(support)
	if err != nil {
		return nil, nil, err
	}
	defer data.Close()
	if data.Skipped > 0 {
		a.passedOver(data.Skipped, "in %s: not a picture by name (%s), or not directly in a class folder", support, strings.Join(pictureSuffixes, " "))
	}
	task, done := adapt.NewTask(b), 0
	task.SetExperts(experts)
	var classes []classCount
	for c, class := range data.Classes {
		id, err := task.AddClass(class.Name)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", support, err)
		}
		classes = append(classes, classCount{class.Name, len(class.Images)})
		for i, image := range class.Images {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			bytes, err := data.Bytes(c, i)
			if err != nil {
				return nil, nil, err
			}
			pic, err := picture.Decode(bytes, picture.DefaultLimits)
			if err == nil {
				_, err = task.AddExample(id, pic)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %s/%s: %w", support, class.Name, image.Name, err)
			}
			done++
			progress.report("learn", done, data.NumImages(), "")
		}
	}
	if _, err := task.Adapt(ctx, adapt.Options{}); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", support, err)
	}
	return task, classes, nil
}

func classifyFile(task *adapt.Task, file string) (classified, error) {
	out := classified{File: file}
	pic, err := readPicture(file)
	if err == nil {
		var scores []adapt.Score
		if scores, err = task.Classify(pic); err == nil {
			slices.SortStableFunc(scores, func(x, y adapt.Score) int {
				switch {
				case x.Probability > y.Probability:
					return -1
				case x.Probability < y.Probability:
					return 1
				}
				return 0
			})
			for _, s := range scores {
				out.Scores = append(out.Scores, classScore{s.Name, s.Probability})
			}
			out.Class, out.Probability = scores[0].Name, scores[0].Probability
			return out, nil
		}
		err = fmt.Errorf("%s: %w", file, err)
	}
	out.Error = err.Error()
	return out, err
}

func (a *app) writeTable(results []classified) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tCLASS\tPROBABILITY")
	for _, r := range results {
		if r.Error != "" {
			continue // on stderr
		}
		fmt.Fprintf(w, "%s\t%s\t%.3f\n", printable(r.File), r.Class, r.Probability)
	}
	return w.Flush()
}

// printable keeps the names of files from writing control sequences to a terminal.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// byteOrderMark makes spreadsheets read the file as UTF-8.
const byteOrderMark = "\ufeff"

func (a *app) writeCSV(results []classified) error {
	if _, err := a.stdout.Write([]byte(byteOrderMark)); err != nil {
		return err
	}
	w := csv.NewWriter(a.stdout)
	w.UseCRLF = true // RFC 4180
	rows := [][]string{{"file", "class", "probability", "error"}}
	for _, r := range results {
		probability := ""
		if r.Error == "" {
			probability = strconv.FormatFloat(float64(r.Probability), 'f', 4, 32)
		}
		rows = append(rows, []string{cell(r.File), cell(r.Class), probability, cell(r.Error)})
	}
	return errors.Join(w.WriteAll(rows), w.Error())
}

// cell keeps a spreadsheet from taking a name for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
