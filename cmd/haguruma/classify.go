package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/adapt"
	"haguruma/adapt/journal"
	"haguruma/core/fewshot"
	"haguruma/sparse"
)

type classifyFlags struct {
	support, bundle, experts string
	heat                     string
	asJSON, asCSV, embed     bool
	noExperts                bool
	adapter                  adapterFlags
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
	return &expertsUsed{c.Scores, c.All.Part(), shares(c.Parts), shares(c.Kinds)}
}

func shares(list []sparse.Share) (out []partShare) {
	for _, s := range list {
		out = append(out, partShare{s.Name, s.Part()})
	}
	return out
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
	Unknown     bool         `json:"unknown,omitempty"` // like none of the classes
	Scores      []classScore `json:"scores,omitempty"`
	Heat        string       `json:"heat,omitempty"` // path of the heat map
	Error       string       `json:"error,omitempty"`
}

// answered takes the most probable class and whether it is one of the classes at all, and sorts the scores that are there, the most probable first.
func (c *classified) answered(class string, probability float32, known bool) {
	slices.SortStableFunc(c.Scores, func(x, y classScore) int { return cmp.Compare(y.Probability, x.Probability) })
	c.Class, c.Probability = class, probability
	if !known {
		c.Unknown, c.Class, c.Probability = true, unknownClass, 0
	}
}

type classCount struct {
	Name     string `json:"name"`
	Examples int    `json:"examples"`
}

func (a *app) classifyCommand() *cobra.Command {
	f := classifyFlags{}
	command := &cobra.Command{
		Use:   "classify {--support FOLDER_OR_ZIP | --adapter FILE} QUERY...",
		Short: "Classify pictures from a handful of labelled examples, or by an adapter",
		Long: `classify learns from a folder (or zip) that has one folder per class with the
class's pictures in it, and says for each query, a picture file or a folder
or zip of them, which class it is and how sure that is. One picture per class is enough;
more are better. Learning is instant: one prototype per class, or, from three pictures a
class on, the classifier that left-out examples find best. What is like no class is
called unknown. When the
bundle's manifest names experts, they first choose from the examples which few
weights of the backbone to change; --no-experts leaves it as it is.

--adapter takes what haguruma adapt has learned, here or on another machine, in the
place of examples, and gives the same answers: the adapter's file, or a task's folder
for the version in use there. --signed and --key refuse files that nobody, or somebody
else, has signed.

--heat draws for each query what speaks for the most probable class (orange) and against it
(blue), patch by patch, into a folder of PNG files.

Everything is computed on this machine. The bundle is the one in www/models
beside the program or above the working directory, unless --bundle names
another. A query that cannot be read is reported, the others are still
classified, and the exit code is 1.`,
		Example: `  haguruma classify --support castings/ new.jpg
  haguruma classify --support symbols.zip queries/ --csv > result.csv
  haguruma classify --support castings/ queries/ --json
  haguruma classify --adapter castings.safetensors queries/ --csv > result.csv
  haguruma classify --adapter castings.safetensors queries/ --heat maps
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
			if err := exclusive(command, "embed", "heat"); err != nil {
				return err
			}
			if err := exclusive(command, "adapter", "support", "embed"); err != nil {
				return err
			}
			if err := exclusive(command, "adapter", "no-experts"); err != nil {
				return err
			}
			if err := exclusive(command, "experts", "no-experts"); err != nil {
				return err
			}
			if f.support == "" && f.adapter.path == "" && !f.embed {
				return usagef("--support is missing: a folder or zip with one folder per class; or --adapter")
			}
			if err := f.adapter.check(); err != nil {
				return err
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
	f.adapter.add(flags)
	flags.StringVar(&f.experts, "experts", "", "experts of the bundle (default: those that its manifest names)")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON, with the probability of every class")
	flags.BoolVar(&f.asCSV, "csv", false, "print CSV (UTF-8 with BOM, for spreadsheets)")
	flags.StringVar(&f.heat, "heat", "", "new `FOLDER` for a heat map of each query: what speaks for the class, and where")
	flags.BoolVar(&f.noExperts, "no-experts", false, "use the backbone alone, even if its manifest names experts")
	flags.BoolVar(&f.embed, "embed", false, "print the embedding of each query instead; needs no --support")
	return command
}

func (a *app) classify(ctx context.Context, f classifyFlags, queries []string) error {
	files, done, err := a.openQueries(queries)
	if err != nil {
		return err
	}
	defer done()
	b, err := openBundle(f.bundle)
	if err != nil {
		return err
	}
	var maps *heatFolder
	if f.heat != "" {
		if maps, err = openHeat(f.heat); err != nil {
			return err
		}
	}
	progress := a.newReporter()
	defer progress.close()
	by, about, err := a.answererOf(ctx, b, f, progress)
	if err != nil {
		return err
	}
	results := make([]classified, len(files))
	var failures []error
	for i, file := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if results[i], err = classifyFile(by, file, maps); err != nil {
			failures = append(failures, err)
		}
		progress.report("classify", i+1, len(files), "")
	}
	progress.close()
	about["bundle"] = map[string]any{"name": b.name, "sha256": b.hash}
	return a.writeClassified(f.asJSON, f.asCSV, about, results, failures)
}

// writeClassified prints results in the form that was asked for, in JSON with what else there is about them, and says what went wrong.
func (a *app) writeClassified(asJSON, asCSV bool, about map[string]any, results []classified, failures []error) (err error) {
	switch {
	case asJSON:
		about["results"] = results
		err = a.writeJSON(about)
	case asCSV:
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

// answererOf learns from the support, or loads the adapter, and says for --json what it is.
func (a *app) answererOf(ctx context.Context, b *bundle, f classifyFlags, progress *reporter) (by answerer, about map[string]any, err error) {
	var counts []classCount
	var choice *adapt.Choice
	about = map[string]any{}
	if f.adapter.path != "" {
		loaded, err := f.adapter.load()
		if err != nil {
			return nil, nil, err
		}
		x, err := b.apply(loaded, f.experts)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.adapter.path, err)
		}
		for _, c := range loaded.Classes {
			counts = append(counts, classCount{c.Name, c.Examples})
		}
		by, choice, about["adapter"] = x, x.Choice, describe(loaded)
	} else {
		var experts *expertsFile
		if !f.noExperts {
			if experts, err = b.expertsFor(f.experts); err != nil {
				return nil, nil, err
			}
		}
		classes, data, err := a.readLabelled(f.support)
		if err != nil {
			return nil, nil, err
		}
		defer data.Close()
		t, err := newTaught(b, experts, progress)
		if err == nil {
			err = t.teach(ctx, f.support, classes)
		}
		if err == nil {
			_, err = t.adapt(ctx, f.support, adapt.Options{})
		}
		if err != nil {
			return nil, nil, err
		}
		for _, c := range classes {
			counts = append(counts, classCount{c.name, len(c.images)})
		}
		by, choice = t, t.task.Choice()
	}
	about["classes"] = counts
	if used := usedExperts(choice); used != nil {
		about["experts"] = used
	}
	return by, about, nil
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

// readLabelled lists the classes and pictures of a folder or zip. Close data when the pictures have been read.
func (a *app) readLabelled(support string) (classes []labelled, data *fewshot.Dataset, err error) {
	data, err = fewshot.OpenDataset(support)
	if err != nil {
		return nil, nil, err
	}
	if data.Skipped > 0 {
		a.passedOver(data.Skipped, "in %s: not a picture by name (%s), or not directly in a class folder", support, strings.Join(pictureSuffixes, " "))
	}
	for c, class := range data.Classes {
		one := labelled{id: c + 1, name: class.Name}
		for i, file := range class.Images {
			one.images = append(one.images, photo{file.Name, "", func() ([]byte, error) { return data.Bytes(c, i) }})
		}
		classes = append(classes, one)
	}
	return classes, data, nil
}

// classifyFile draws a heat map too where there are maps.
func classifyFile(by answerer, file query, maps *heatFolder) (classified, error) {
	out := classified{File: file.name}
	pic, err := file.open()
	if err == nil {
		var scores []adapt.Score
		var known bool
		if scores, known, err = by.Answer(pic); err == nil {
			for _, s := range scores {
				out.Scores = append(out.Scores, classScore{s.Name, s.Probability})
			}
			best := scores[adapt.Best(scores)]
			out.answered(best.Name, best.Probability, known)
			if maps != nil {
				var grid []float32
				var side int
				if grid, side, err = by.Heat(pic, best.Class); err == nil {
					out.Heat, err = maps.write(file.name, pic, best.Name, grid, side)
				}
			}
		}
		if err == nil {
			return out, nil
		}
		err = fmt.Errorf("%s: %w", file.name, err)
	}
	out.Error = err.Error()
	return out, err
}

// unknownClass is what a picture is that is like none of the classes.
const unknownClass = "unknown"

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

func (a *app) writeCSV(results []classified) error {
	rows := [][]string{{"file", "class", "probability", "error"}}
	for _, r := range results {
		probability := ""
		if r.Error == "" {
			probability = strconv.FormatFloat(float64(r.Probability), 'f', 4, 32)
		}
		rows = append(rows, []string{r.File, r.Class, probability, r.Error})
	}
	_, err := a.stdout.Write(journal.Table(rows))
	return err
}
