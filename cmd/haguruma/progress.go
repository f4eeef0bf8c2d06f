package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// lineEvery is how often a reporter writes where there is no terminal to draw on.
const lineEvery = 10 * time.Second

// reporter shows how far long work has come, on stderr: a bar on a terminal,
// a line now and then in a log, nothing when quiet. Its methods may be called
// from several goroutines.
type reporter struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	bars  bool
	now   func() time.Time

	what  string // the work under way
	bar   *progressbar.ProgressBar
	begin time.Time
	first int       // done at the first report: work that was resumed does not start at 0
	wrote time.Time // last line
	ended bool
}

func (a *app) newReporter() *reporter {
	return &reporter{w: a.stderr, quiet: a.quiet, bars: isTerminal(a.stderr), now: time.Now}
}

// isTerminal tells whether w is a device that a bar can be drawn on.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// report says that done of total steps of some work are done. A new name ends
// the work before. Its signature is metatune.Progress.
func (r *reporter) report(what string, done, total int, note string) {
	if r.quiet {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if what != r.what {
		r.finish()
		r.what, r.begin, r.first, r.wrote, r.ended = what, now, done, time.Time{}, false
		if r.bars {
			r.bar = newBar(r.w, total)
		}
	}
	if r.bars {
		text := what
		if note != "" {
			text += " (" + note + ")"
		}
		r.bar.Describe(text)
		if r.bar.GetMax() != total {
			r.bar.ChangeMax(total)
		}
		_ = r.bar.Set(done) // stderr that cannot be drawn on is no reason to stop the work
		return
	}
	last := done >= total && !r.ended
	if !last && now.Sub(r.wrote) < lineEvery {
		return
	}
	r.wrote, r.ended = now, r.ended || last
	line := fmt.Sprintf("%s %d/%d", what, done, total)
	if note != "" {
		line += ", " + note
	}
	if elapsed := now.Sub(r.begin); done > r.first && done < total {
		left := time.Duration(float64(elapsed) / float64(done-r.first) * float64(total-done))
		line += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	fmt.Fprintln(r.w, line)
}

// close ends the bar under way; the terminal's next line is free.
func (r *reporter) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish()
}

func (r *reporter) finish() {
	if r.bar != nil {
		_ = r.bar.Exit()
		fmt.Fprintln(r.w)
		r.bar = nil
	}
}

func newBar(w io.Writer, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionFullWidth(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
}
