package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestViews: an adapter of views says so and gives the answers of the task, from the file and after a rollback; to what the task has, the same is made again; and a
// version of views is compared with as it was made.
func TestViews(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	for _, experts := range []bool{false, true} {
		if experts {
			addExperts(t, bundle)
		}
		folder := t.TempDir()
		file, task := filepath.Join(folder, "a.safetensors"), filepath.Join(folder, "task")
		succeed(t, "adapt", support, "-b", bundle, "--task", task)
		plain := answers(t, "-a", task, "-b", bundle, ask)
		args := []string{"adapt", "-b", bundle, "--task", task, "-o", file, "--views", "--force", "--json"}
		r := parse[adaptedTo](t, succeed(t, args...))
		if r.Version != 2 || !r.New || r.Views != 8 || r.Adapter.Views != 8 || describeFile(t, file).Views != 8 {
			t.Fatalf("experts %t: %+v", experts, r)
		}
		seen := answers(t, "-a", file, "-b", bundle, ask)
		if reflect.DeepEqual(seen, plain) || !reflect.DeepEqual(seen, answers(t, "-a", task, "-b", bundle, ask)) {
			t.Errorf("experts %t: of views %+v\nplain %+v", experts, seen, plain)
		}
		if same := parse[adaptedTo](t, succeed(t, args...)); same.New || same.Version != 2 || same.Verdict.Code != "better" {
			t.Errorf("experts %t: the same once more: %+v, %+v", experts, same, same.Verdict)
		}
		succeed(t, "rollback", task)
		if have := answers(t, "-a", task, "-b", bundle, ask); !reflect.DeepEqual(have, plain) {
			t.Errorf("experts %t: version 1 is not what it was", experts)
		}
		if words := succeed(t, "journal", task); !strings.Contains(words, "views: 8") {
			t.Errorf("the journal does not speak of views: %s", words)
		}
		succeed(t, "journal", "verify", task)
		if text := succeed(t, "history", task); strings.Count(text, "  blend of views  ") != 1 {
			t.Errorf("the history does not tell which version is of views: %s", text)
		}
	}
	tuned := append([]string{"adapt", support, "-b", bundle, "-o", filepath.Join(t.TempDir(), "a.safetensors"), "--json", "--finetune", "sparse"}, quickTuning...)
	if with, without := parse[adaptedTo](t, succeed(t, tuned...)), parse[adaptedTo](t, succeed(t, append(tuned, "--views=false")...)); with.Views != 8 || without.Views != 0 {
		t.Errorf("fine-tuned: %d views, and %d with --views=false", with.Views, without.Views)
	}
	if text := succeed(t, "adapt", support, "-b", bundle, "-o", filepath.Join(t.TempDir(), "a.safetensors"), "--views"); !strings.Contains(text, "views: 8 of each example\n") {
		t.Errorf("%s", text)
	}
}
