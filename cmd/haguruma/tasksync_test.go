package main

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"haguruma/adapt"
)

// TestPictureThatChanges: a picture that is another by the time it is embedded or stored is refused, and the task is as it was: it would name one that
// it does not have.
func TestPictureThatChanges(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	b, err := openBundle(bundle)
	if err != nil {
		t.Fatal(err)
	}
	for reads := 1; reads <= 2; reads++ { // before another is there: by its hash; and embedded
		task := filepath.Join(t.TempDir(), "task")
		a := &app{stdout: io.Discard, stderr: io.Discard}
		classes, data, err := a.readLabelled(support)
		if err != nil {
			t.Fatal(err)
		}
		defer data.Close()
		left, read := reads, classes[0].images[0].read
		classes[0].images[0].read = func() ([]byte, error) {
			if left--; left < 0 {
				return encodePNG(t, testImage(green, 9)), nil
			}
			return read()
		}
		taught, err := newTaught(b, nil, a.newReporter())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = a.adaptTask(t.Context(), adapt.Options{}, taught, adaptFlags{task: task}, support, classes, &adaptedTo{}); !errors.Is(err, errMoving) {
			t.Errorf("after %d reads: %v", reads, err)
		}
		if list := parse[[]taskVersion](t, succeed(t, "history", task, "--json")); len(list) != 1 {
			t.Errorf("after %d reads: %+v", reads, list)
		}
		succeed(t, "adapt", support, "-b", bundle, "--task", task)
		succeed(t, "adapt", "-b", bundle, "--task", task)
	}
}

// TestTaskThatWasNotBegun: what is left of a task that could not be begun, on a full disk say, is no reason not to begin it; anything else is.
func TestTaskThatWasNotBegun(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	for name, fits := range map[string]bool{".lock": true, "task.json.123.tmp": true, "notes.txt": false, "other.tmp": false, "journal.jsonl": false, "task.json.txt": false} {
		task := filepath.Join(t.TempDir(), "task")
		write(t, filepath.Join(task, name), []byte("left"))
		args := []string{"adapt", support, "-b", bundle, "--task", task}
		if fits {
			succeed(t, args...)
		} else {
			refuse(t, exitFailure, []string{"new or an empty folder"}, args...)
		}
	}
}
