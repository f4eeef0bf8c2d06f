package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgressLines: a log gets the first report, one a while, and the last.
func TestProgressLines(t *testing.T) {
	var log bytes.Buffer
	at := time.Unix(1000, 0)
	r := &reporter{w: &log, now: func() time.Time { return at }}
	for done := 100; done <= 160; done++ { // resumed at 100
		r.report("train", done, 160, "loss 1.5")
		at = at.Add(time.Second)
	}
	r.report("train", 160, 160, "")
	r.report("embed", 1, 1, "")
	r.close()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := []string{
		"train 100/160, loss 1.5", "train 110/160, loss 1.5, 50s left", "train 120/160, loss 1.5, 40s left",
		"train 130/160, loss 1.5, 30s left", "train 140/160, loss 1.5, 20s left", "train 150/160, loss 1.5, 10s left",
		"train 160/160, loss 1.5", "embed 1/1",
	}
	if strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("want %q, have %q", want, lines)
	}
}

func TestProgressQuiet(t *testing.T) {
	var log bytes.Buffer
	r := &reporter{w: &log, now: time.Now, quiet: true}
	r.report("train", 1, 2, "")
	r.close()
	if log.Len() != 0 {
		t.Errorf("want silence, have %q", log.String())
	}
}

// TestProgressBar: the bar is drawn and ends its line.
func TestProgressBar(t *testing.T) {
	var screen bytes.Buffer
	r := &reporter{w: &screen, now: time.Now, bars: true}
	r.report("train", 1, 3, "loss 2")
	r.report("train", 3, 3, "loss 1")
	r.report("embed", 5, 9, "")
	r.close()
	if text := screen.String(); !strings.Contains(text, "train (loss") || !strings.Contains(text, "embed") || !strings.HasSuffix(text, "\n") {
		t.Errorf("have %q", text)
	}
}
