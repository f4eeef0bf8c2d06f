package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/sparse"
)

type tensorInfo struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Bytes int    `json:"bytes"`
}

type inspection struct {
	Name     string            `json:"name"`
	File     string            `json:"file"`
	Bytes    int               `json:"bytes"` // on disk
	SHA256   string            `json:"sha256"`
	Format   string            `json:"format"`
	Config   json.RawMessage   `json:"config"` // null when the file has none
	Metadata map[string]string `json:"metadata"`
	Tensors  []tensorInfo      `json:"tensors"`
	Totals   struct {
		Tensors  int            `json:"tensors"`
		Elements int            `json:"elements"`
		Bytes    int            `json:"bytes"` // unpacked
		ByDType  map[string]int `json:"elementsByDtype"`
	} `json:"totals"`
	Experts *anatomy `json:"experts,omitempty"` // of a file of experts
}

func (a *app) inspectCommand() *cobra.Command {
	var asJSON bool
	var suite, plots string
	command := &cobra.Command{
		Use:   "inspect [FILE]",
		Short: "Show what a bundle, checkpoint or any safetensors file holds",
		Long: `inspect prints the format, the hash, the config, the metadata (the model card is
there) and every tensor of a safetensors file, plain or zstd. A manifest (.json)
stands for the bundle it names, whose length and hash are checked. Without FILE
it is the default bundle.

Of experts (haguruma metatune) it prints what was learned: the density of each
expert by kind of tensor and by block, the overlap of every two, the router and
the size of each part. --suite takes the suite.json of haguruma eval --suite
that measured them, and adds where the tasks of each set were routed. --plots
draws all of it.`,
		Example: `  haguruma inspect
  haguruma inspect out/weights.safetensors
  haguruma inspect --json www/models/default.json
  haguruma inspect out/experts/experts.safetensors.zst --suite out/suite/suite.json --plots out/figures`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := findBundle(strings.Join(args, ""))
			if err != nil {
				return err
			}
			f, err := readModelFile(path)
			if err != nil {
				return err
			}
			in := inspect(f)
			if isExperts(f) {
				if in.Experts, err = newAnatomy(f, suite, plots); err != nil {
					return err
				}
			} else if suite != "" || plots != "" {
				return fmt.Errorf("%s: --suite and --plots are of experts: %w", f.path, sparse.ErrFormat)
			}
			if asJSON {
				return a.writeJSON(in)
			}
			if err := a.printInspection(in); err != nil || in.Experts == nil {
				return err
			}
			fmt.Fprintln(a.stdout)
			return in.Experts.print(a.stdout, plots)
		},
	}
	flags := command.Flags()
	flags.StringVar(&suite, "suite", "", "suite.json that measured these experts, for where tasks were routed")
	flags.StringVar(&plots, "plots", "", "folder for drawings of the experts (SVG)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func inspect(f *modelFile) *inspection {
	in := &inspection{Name: f.name, File: f.path, Bytes: f.size, SHA256: f.hash, Config: json.RawMessage("null"), Metadata: map[string]string{}}
	for key, value := range f.file.Metadata {
		switch {
		case key == "format":
			in.Format = value
		case key == "config" && json.Valid([]byte(value)):
			in.Config = json.RawMessage(value)
		default:
			in.Metadata[key] = value
		}
	}
	in.Totals.ByDType = map[string]int{}
	for _, t := range f.file.Tensors {
		in.Tensors = append(in.Tensors, tensorInfo{t.Name, string(t.DType), t.Shape, len(t.Data)})
		elements := 1
		for _, size := range t.Shape {
			elements *= size
		}
		in.Totals.Tensors++
		in.Totals.Elements += elements
		in.Totals.Bytes += len(t.Data)
		in.Totals.ByDType[string(t.DType)] += elements
	}
	return in
}

func (a *app) printInspection(in *inspection) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nfile\t%s\nbytes\t%d\nsha256\t%s\nformat\t%s\nconfig\t%s\n", in.Name, in.File, in.Bytes, in.SHA256, in.Format, in.Config)
	w.Flush()
	for _, key := range slices.Sorted(maps.Keys(in.Metadata)) {
		if in.Experts != nil && key == "tensors" { // of the backbone, a long list on one line
			continue
		}
		fmt.Fprintf(a.stdout, "\n%s\n", printable(key))
		for line := range strings.Lines(in.Metadata[key]) {
			fmt.Fprintf(a.stdout, "  %s\n", printable(strings.TrimRight(line, "\n")))
		}
	}
	fmt.Fprintln(a.stdout)
	fmt.Fprintln(w, "TENSOR\tDTYPE\tSHAPE\tBYTES")
	for _, t := range in.Tensors {
		fmt.Fprintf(w, "%s\t%s\t%v\t%d\n", printable(t.Name), t.DType, t.Shape, t.Bytes)
	}
	w.Flush()
	fmt.Fprintf(a.stdout, "\n%d tensors, %d elements, %d bytes unpacked\n", in.Totals.Tensors, in.Totals.Elements, in.Totals.Bytes)
	for _, dtype := range slices.Sorted(maps.Keys(in.Totals.ByDType)) {
		fmt.Fprintf(a.stdout, "  %s %d elements\n", dtype, in.Totals.ByDType[dtype])
	}
	return nil
}
