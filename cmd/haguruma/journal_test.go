package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/adapt/journal"
)

// TestJournal: printed, exported, verified, and what is said when somebody has changed it.
func TestJournal(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	folder := t.TempDir()
	task, file := filepath.Join(folder, "task"), filepath.Join(folder, "a.safetensors")
	succeed(t, "adapt", support, "-b", bundle, "--task", task, "-o", file)
	text := succeed(t, "journal", task)
	if !strings.Contains(text, "name: red") || strings.Count(text, "\n") != 12 || strings.Contains(text, strings.Repeat("0", 13)) {
		t.Errorf("journal says %s", text)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(succeed(t, "journal", task, "--csv"), journal.ByteOrderMark))).ReadAll()
	if err != nil || len(rows) != 12 || len(rows[0]) != 6 || rows[2][2] != "class-added" {
		t.Errorf("CSV %v, %v", rows, err)
	}
	lines := filepath.Join(task, "journal.jsonl")
	for _, args := range [][]string{{task}, {lines}, {task, "-a", file}} {
		if r := parse[verified](t, succeed(t, append([]string{"journal", "verify", "--json"}, args...)...)); !r.Sound || r.Entries != 11 || len(r.Head) != 64 {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if text := succeed(t, "journal", "verify", task); !strings.Contains(text, "11 entries, every line as it was written") {
		t.Errorf("verify says %s", text)
	}
	refuse(t, exitFailure, []string{"sound"}, "journal", "restart", task)
	once := filepath.Join(folder, "once.safetensors")
	succeed(t, "adapt", support, "-b", bundle, "-o", once)
	refuse(t, exitFailure, []string{"does not come from a task"}, "journal", "verify", task, "-a", once)

	// Another task's adapter knows another journal.
	other := filepath.Join(folder, "other.safetensors")
	write(t, filepath.Join(support, "red", "4.png"), encodePNG(t, testImage(red, 4)))
	succeed(t, "adapt", support, "-b", bundle, "--task", filepath.Join(folder, "another"), "-o", other)
	refuse(t, exitFailure, []string{"as " + other}, "journal", "verify", task, "-a", other)

	good, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	write(t, lines, []byte(strings.Replace(string(good), `"name":"red"`, `"name":"rid"`, 1)))
	refuse(t, exitFailure, []string{"line 3", "changed after it was written"}, "journal", "verify", task)
	refuse(t, exitFailure, []string{"line 3"}, "adapt", support, "-b", bundle, "--task", task)
	refuse(t, exitFailure, []string{"line 3"}, "rollback", task)
	code, stdout, stderr := execute(t, "journal", task)
	if code != exitFailure || strings.Count(stdout, "\n") != 3 || !strings.Contains(stderr, "only the lines before it") {
		t.Errorf("journal of a changed one: %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = execute(t, "journal", "verify", task, "--json")
	if r := parse[verified](t, stdout); code != exitFailure || r.Sound || r.Line != 3 || r.Entries != 2 {
		t.Errorf("verify --json: %d, %+v", code, r)
	}
	if text := succeed(t, "journal", "restart", task); !strings.Contains(text, "line 3") {
		t.Errorf("restart says %s", text)
	}
	if text := succeed(t, "journal", task); !strings.Contains(text, "reason: line 3") {
		t.Errorf("the new journal says %s", text)
	}
	succeed(t, "adapt", support, "-b", bundle, "--task", task)
	succeed(t, "journal", "verify", task)
}
