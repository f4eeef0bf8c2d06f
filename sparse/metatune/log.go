package metatune

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"image/color"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"haguruma/core/tensorfile"
)

// StepStats is one line of log.jsonl.
type StepStats struct {
	Step       int                 `json:"step"`
	Size       int                 `json:"size"`
	LR         float64             `json:"lr"`
	Loss       float64             `json:"loss"` // mean over the micro-batches
	GradNorm   float64             `json:"gradNorm"`
	Seconds    float64             `json:"seconds"` // of this step
	Elapsed    float64             `json:"elapsed"` // seconds of training so far, all sittings
	Sets       map[string]SetStats `json:"sets"`
	Validation []Score             `json:"validation,omitempty"`
}

// SetStats is the training loss and accuracy of one set in one step.
type SetStats struct {
	Loss     float64 `json:"loss"`
	Accuracy float64 `json:"accuracy"`
}

// Score is a few-shot accuracy in per cent.
type Score struct {
	Set      string  `json:"set"`
	Way      int     `json:"way"`
	Shot     int     `json:"shot"`
	Mean     float64 `json:"mean"`
	Interval float64 `json:"interval"` // half-width of the 95% interval
}

func (s Score) name() string { return s.Set + " " + Setting{s.Way, s.Shot}.String() }

const logFile = "log.jsonl"

// runLog appends to log.jsonl; a resumed run goes on in the same file.
type runLog struct {
	f      *os.File
	smooth float64 // running mean of the loss
	n      int
}

func openLog(dir string, cfg PretrainConfig) (*runLog, error) {
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := writeFile(dir, "config.json", append(text, '\n')); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := endLine(f); err != nil {
		f.Close()
		return nil, err
	}
	return &runLog{f: f}, nil
}

// endLine ends the line that a killed run left half written.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

func (l *runLog) Close() error { return l.f.Close() }

func (l *runLog) write(s StepStats) error {
	l.n++
	l.smooth += (s.Loss - l.smooth) * max(0.02, 1/float64(l.n))
	_, err := l.f.Write(append(mustJSON(s), '\n'))
	return err
}

// readLog reads a log back, in order. A resumed run repeats the steps since its
// last checkpoint: the later line of a step counts.
func readLog(dir string) ([]StepStats, error) {
	return readLines(dir, func(s StepStats) int { return s.Step })
}

// readLines reads the lines of log.jsonl, the last one of each number, in order
// of the numbers; no log has no lines. A line that is none was left by a run
// that was killed while it wrote, and is passed over.
func readLines[T any](dir string, number func(T) int) ([]T, error) {
	f, err := os.Open(filepath.Join(dir, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := map[int]T{}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var line T
		if json.Unmarshal(in.Bytes(), &line) == nil {
			lines[number(line)] = line
		}
	}
	var out []T
	for _, n := range slices.Sorted(maps.Keys(lines)) {
		out = append(out, lines[n])
	}
	return out, in.Err()
}

// plot draws loss.svg (training loss, a running mean) and validation.svg.
func (l *runLog) plot(dir string) error {
	stats, err := readLog(dir)
	if err != nil || len(stats) == 0 {
		return err
	}
	var loss plotter.XYs
	val := map[string]plotter.XYs{}
	smooth := stats[0].Loss
	for _, s := range stats {
		smooth += (s.Loss - smooth) * 0.02
		loss = append(loss, plotter.XY{X: float64(s.Step), Y: smooth})
		for _, v := range s.Validation {
			val[v.name()] = append(val[v.name()], plotter.XY{X: float64(s.Step), Y: v.Mean})
		}
	}
	if err := drawLines(filepath.Join(dir, "loss.svg"), "Training loss (running mean)", "loss", map[string]plotter.XYs{"": loss}); err != nil {
		return err
	}
	if len(val) == 0 {
		return nil
	}
	return drawLines(filepath.Join(dir, "validation.svg"), "Few-shot accuracy on validation classes", "per cent", val)
}

// Colours of Okabe and Ito, told apart by colour-blind readers.
var lineColors = []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255}, {86, 180, 233, 255}}

func drawLines(path, title, label string, lines map[string]plotter.XYs) error {
	return drawLinesOver(path, title, "step", label, lines)
}

func drawLinesOver(path, title, over, label string, lines map[string]plotter.XYs) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, over, label
	p.Add(plotter.NewGrid())
	p.Legend.Top = false
	var names []string
	for name := range lines {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		line, err := plotter.NewLine(lines[name])
		if err != nil {
			return err
		}
		line.Color = lineColors[i%len(lineColors)]
		line.Width = vg.Points(1.5)
		if round := vg.Length(i / len(lineColors)); round > 0 { // a colour again: in dashes
			line.Dashes = []vg.Length{vg.Points(4 / float64(round)), vg.Points(2)}
		}
		p.Add(line)
		if name != "" {
			p.Legend.Add(name, line)
		}
	}
	if len(names) > len(lineColors) { // a legend that would cover the lines: beside them
		p.Legend.Left, p.Legend.XOffs, p.Legend.TextStyle.Font.Size = true, 9*vg.Centimeter, 8 // text runs to the right, whatever font there is
		last := p.X.Max
		p.X.Max += 0.75 * (last - p.X.Min)
		p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) (ticks []plot.Tick) {
			for _, t := range (plot.DefaultTicks{}).Ticks(low, last) {
				if t.Value <= last {
					ticks = append(ticks, t)
				}
			}
			return ticks
		})
	}
	drawing, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, "svg")
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if _, err := drawing.WriteTo(&svg); err != nil {
		return err
	}
	return tensorfile.WriteFile(path, svg.Bytes())
}
