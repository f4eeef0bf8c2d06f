package main

import (
	"context"
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"haguruma/core/kernel"
)

type benchFlags struct {
	bundle  string
	batch   int
	seconds float64
	asJSON  bool
}

// benchReport is what bench prints. Speeds are medians; G means 10^9.
type benchReport struct {
	Machine struct {
		Go       string `json:"go"`
		Platform string `json:"platform"`
		Cores    int    `json:"cores"`
		Kernel   string `json:"kernel"`
	} `json:"machine"`
	Backbone struct {
		Name      string `json:"name"`
		SHA256    string `json:"sha256,omitempty"`
		ImageSize int    `json:"imageSize"`
		Batch     int    `json:"batch"`
		Tokens    int    `json:"tokens"` // of the batch: the rows of the products
	} `json:"backbone"`
	Peak     peakReport      `json:"peak"`
	Products []productReport `json:"products"`
	Embed    embedReport     `json:"embed"`
}

func (a *app) benchCommand() *cobra.Command {
	f := benchFlags{}
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed on this machine",
		Long: `bench measures the matrix products at the backbone's shapes, float32 against the
fused multiply-add peak that a register-only loop reaches in turn with it, and
int8; then embeddings a second over all cores, and the latency of one picture.

Figures are medians over --seconds each. Run it on a quiet machine: other work
slows some of them more than others.`,
		Example: "  haguruma bench\n  haguruma bench --json --seconds 2",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if f.batch < 1 || f.batch > 1024 {
				return usagef("--batch %d: want 1 to 1024", f.batch)
			}
			if !(f.seconds > 0 && f.seconds <= 60) {
				return usagef("--seconds %v: want above 0, at most 60", f.seconds)
			}
			return a.bench(command.Context(), f)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&f.bundle, "bundle", "b", "", "bundle or its manifest (default: www/models/default.json)")
	flags.IntVar(&f.batch, "batch", 16, "pictures at once")
	flags.Float64Var(&f.seconds, "seconds", 0.5, "time for each figure")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return command
}

func (a *app) bench(ctx context.Context, f benchFlags) error {
	b, err := openBundle(f.bundle)
	if err != nil {
		return err
	}
	c := b.model.Config()
	budget := time.Duration(f.seconds * float64(time.Second))
	report := &benchReport{}
	report.Machine.Go, report.Machine.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
	report.Machine.Cores, report.Machine.Kernel = runtime.GOMAXPROCS(0), kernel.Body()
	report.Backbone.Name, report.Backbone.SHA256, report.Backbone.ImageSize = b.name, b.hash, c.ImageSize
	report.Backbone.Batch, report.Backbone.Tokens = f.batch, f.batch*c.Tokens(c.ImageSize)

	progress := a.newReporter()
	defer progress.close()
	products := shapes(c, f.batch)
	total, done := len(products)+2, 0
	step := func() error {
		done++
		progress.report("bench", done, total, "")
		return ctx.Err()
	}
	top := newPeak()
	report.Peak = top.measure(budget)
	if err := step(); err != nil {
		return err
	}
	for _, p := range products {
		report.Products = append(report.Products, measureProduct(p, top, budget))
		if err := step(); err != nil {
			return err
		}
	}
	if report.Embed, err = measureEmbed(b, f.batch, budget); err != nil {
		return err
	}
	if err := step(); err != nil {
		return err
	}
	progress.close()
	if f.asJSON {
		return a.writeJSON(report)
	}
	return a.printBench(report)
}

func (a *app) printBench(r *benchReport) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "machine\t%s, %s, %d cores, kernel %s\n", r.Machine.Go, r.Machine.Platform, r.Machine.Cores, r.Machine.Kernel)
	fmt.Fprintf(w, "backbone\t%s, %d px, batch %d (%d tokens)\n", r.Backbone.Name, r.Backbone.ImageSize, r.Backbone.Batch, r.Backbone.Tokens)
	fmt.Fprintf(w, "float32 peak\t%.1f GFLOP/s on one core, %.1f on all (%s)\n", r.Peak.OneCore, r.Peak.AllCores, r.Peak.Method)
	w.Flush()
	fmt.Fprintf(a.stdout, "\nmatrix products, G = 10^9 operations a second; share of the float32 peak in turn with the product\n")
	fmt.Fprintln(w, "PRODUCT\tM\tN\tK\tF32 ONE CORE\tSHARE\tF32 ALL\tSHARE\tINT8 ONE CORE\tINT8 ALL")
	for _, p := range r.Products {
		int8Columns := "-\t-"
		if p.Int8All > 0 {
			int8Columns = fmt.Sprintf("%.1f G\t%.1f G", p.Int8One, p.Int8All)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.1f G\t%.0f%%\t%.1f G\t%.0f%%\t%s\n",
			p.Name, p.M, p.N, p.K, p.FloatOne, 100*p.ShareOne, p.FloatAll, 100*p.ShareAll, int8Columns)
	}
	w.Flush()
	fmt.Fprintf(a.stdout, "\nembeddings\n")
	fmt.Fprintf(w, "all cores\t%.1f pictures/s float32\t%.1f pictures/s int8\n", r.Embed.FloatPerSecond, r.Embed.Int8PerSecond)
	fmt.Fprintf(w, "one picture\t%.2f ms float32\t%.2f ms int8\n", r.Embed.FloatMs, r.Embed.Int8Ms)
	fmt.Fprintf(w, "decode and resize\t%.2f ms, JPEG of %d x %d\t\n", r.Embed.PictureMs, samplePhotoWidth, samplePhotoHeight)
	return w.Flush()
}
