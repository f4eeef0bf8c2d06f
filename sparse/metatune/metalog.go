package metatune

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot/plotter"
)

// MetaStats is one line of the log of a meta-tuning run.
type MetaStats struct {
	Update   int                `json:"update"`
	Loss     float64            `json:"loss"` // (1-distill) ce + distill kd, of the update's tasks
	CE       float64            `json:"ce"`
	KD       float64            `json:"kd"`
	Accuracy float64            `json:"accuracy"` // of the queries
	Sets     map[string]float64 `json:"sets"`     // the same by source
	GradNorm float64            `json:"gradNorm"`
	Elapsed  float64            `json:"elapsed"` // seconds, all sittings

	Temperature float64   `json:"temperature"`
	Density     []float64 `json:"density"` // per expert
	Lambda      []float64 `json:"lambda"`  // multiplier per expert
	Scores      []float64 `json:"scores"`  // mean over the tasks
	Entropy     float64   `json:"entropy"` // of those means, in nats; ln M when all experts are used alike

	Validation []Score `json:"validation,omitempty"`
	Mean       float64 `json:"mean,omitempty"` // of Validation
}

// figures sums up the tasks of an update.
func (t *metaTuner) figures() MetaStats {
	s := MetaStats{Sets: map[string]float64{}, Temperature: float64(t.temperature), Density: append([]float64(nil), t.densities...), Lambda: append([]float64(nil), t.lambda...), Scores: t.meanScores()}
	names := t.tasks.Names()
	right, queries := map[string]int{}, map[string]int{}
	all, asked := 0, 0
	for _, r := range t.results {
		n := float64(len(t.results))
		s.CE += r.ce / n
		s.KD += r.kd / n
		right[names[r.set]] += r.right
		queries[names[r.set]] += r.queries
		all, asked = all+r.right, asked+r.queries
	}
	for name := range queries {
		s.Sets[name] = float64(right[name]) / float64(queries[name])
	}
	s.Loss = (1-t.cfg.Distill)*s.CE + t.cfg.Distill*s.KD
	s.Accuracy = float64(all) / float64(asked)
	s.Entropy = Entropy(s.Scores)
	return s
}

// Entropy of a distribution, in nats.
func Entropy(p []float64) float64 {
	h := 0.0
	for _, v := range p {
		if v > 0 {
			h -= v * math.Log(v)
		}
	}
	return h
}

func mean64(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}

// metaLog appends to log.jsonl and keeps running means for the progress line.
type metaLog struct {
	f              *os.File
	loss, accuracy float64
	n              int
}

// openMetaLog goes on with the log after an update, the checkpoint's: later lines, and what a crash left of one, are taken again.
func openMetaLog(dir string, cfg MetaConfig, update int) (*metaLog, error) {
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := writeFile(dir, "config.json", append(text, '\n')); err != nil {
		return nil, err
	}
	if err := trimMetaLog(dir, update); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &metaLog{f: f}, nil
}

func (l *metaLog) Close() error { return l.f.Close() }

func (l *metaLog) write(s MetaStats) error {
	l.n++
	share := max(0.05, 1/float64(l.n))
	l.loss += (s.Loss - l.loss) * share
	l.accuracy += (100*s.Accuracy - l.accuracy) * share
	_, err := l.f.Write(append(mustJSON(s), '\n'))
	return err
}

// trimMetaLog drops every line that is no stats of an update up to the given one.
func trimMetaLog(dir string, update int) error {
	text, err := os.ReadFile(filepath.Join(dir, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(text) {
		var s MetaStats
		if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &s) == nil && s.Update >= 1 && s.Update <= update {
			kept = append(kept, line...)
		}
	}
	if len(kept) == len(text) {
		return nil
	}
	return writeFile(dir, logFile, kept)
}

// ReadMetaLog reads the log of a run back, in order of the updates.
func ReadMetaLog(dir string) ([]MetaStats, error) {
	return readLines(dir, func(s MetaStats) int { return s.Update })
}

// plotMeta draws loss.svg, validation.svg, density.svg (with the multipliers' file lambda.svg) and scores.svg.
func plotMeta(dir string) error {
	stats, err := ReadMetaLog(dir)
	if err != nil || len(stats) == 0 {
		return err
	}
	lines := map[string]map[string]plotter.XYs{"loss": {}, "validation": {}, "density": {}, "lambda": {}, "scores": {}}
	put := func(figure, name string, update int, y float64) {
		lines[figure][name] = append(lines[figure][name], plotter.XY{X: float64(update), Y: y})
	}
	running := map[string]float64{}
	smooth := func(name string, v float64) float64 {
		if _, ok := running[name]; !ok {
			running[name] = v
		}
		running[name] += (v - running[name]) * 0.05
		return running[name]
	}
	for _, s := range stats {
		put("loss", "cross-entropy", s.Update, smooth("ce", s.CE))
		put("loss", "distillation", s.Update, smooth("kd", s.KD))
		for m := range s.Density {
			name := fmt.Sprintf("expert %d", m)
			put("density", name, s.Update, s.Density[m])
			put("lambda", name, s.Update, s.Lambda[m])
			put("scores", name, s.Update, smooth(name, s.Scores[m]))
		}
		for _, v := range s.Validation {
			put("validation", v.name(), s.Update, v.Mean)
		}
	}
	for _, f := range []struct{ name, title, label string }{
		{"loss", "Meta-tuning loss (running mean)", "nats"}, {"validation", "Few-shot accuracy on validation classes", "per cent"},
		{"density", "Share of weights each mask opens", "density"}, {"lambda", "Multiplier of each density constraint", "lambda"},
		{"scores", "Mean score of each expert (running mean)", "score"},
	} {
		if len(lines[f.name]) == 0 {
			continue
		}
		if err := drawLinesOver(filepath.Join(dir, f.name+".svg"), f.title, "update", f.label, lines[f.name]); err != nil {
			return err
		}
	}
	return nil
}
