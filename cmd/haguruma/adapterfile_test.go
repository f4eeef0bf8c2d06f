package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haguruma/core/vit"
	"haguruma/sparse"
)

// TestSignedAdapters: at the terminal, from key to refusal.
func TestSignedAdapters(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	ours := succeed(t, "key", in("ours.pem"))
	digits := strings.TrimSpace(ours[strings.LastIndex(strings.TrimSpace(ours), "\n"):])
	succeed(t, "key", in("theirs.pem"))
	refuse(t, exitFailure, []string{"exists"}, "key", in("ours.pem"))
	write(t, in("half.pub.pem"), []byte("somebody's"))
	refuse(t, exitFailure, []string{"half.pub.pem", "exists"}, "key", in("half.pem"))
	if _, err := os.Stat(in("half.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a pair is left: %v", err)
	}
	if info, err := os.Stat(in("ours.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info, err)
	}
	r := parse[adaptedTo](t, succeed(t, "adapt", support, "-b", bundle, "-o", in("signed.safetensors"), "--sign", in("ours.pem"), "--json"))
	if r.Adapter.SignedBy != digits {
		t.Errorf("signed by %q, want %q", r.Adapter.SignedBy, digits)
	}
	succeed(t, "adapt", support, "-b", bundle, "-o", in("plain.safetensors"))
	classify := func(file string, flags ...string) []string {
		return append([]string{"classify", "-b", bundle, "-a", in(file), ask}, flags...)
	}
	for _, flags := range [][]string{nil, {"--signed"}, {"--key", digits}, {"--key", in("theirs.pub.pem"), "--key", in("ours.pub.pem")}} {
		succeed(t, classify("signed.safetensors", flags...)...)
	}
	succeed(t, classify("plain.safetensors")...)
	refuse(t, exitFailure, []string{"not signed"}, classify("plain.safetensors", "--signed")...)
	refuse(t, exitFailure, []string{"not signed"}, classify("plain.safetensors", "--key", digits)...)
	refuse(t, exitFailure, []string{"somebody else"}, classify("signed.safetensors", "--key", in("theirs.pub.pem"))...)
	refuse(t, exitFailure, []string{"Ed25519"}, classify("signed.safetensors", "--key", in("ours.pem"))...)
	refuse(t, exitFailure, []string{"Ed25519"}, "adapt", support, "-b", bundle, "-o", in("x"), "--sign", in("ours.pub.pem"))

	a, err := loadAdapter(in("signed.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	a.Signature.Value[0] ^= 1
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, in("forged.safetensors"), data)
	refuse(t, exitFailure, []string{"signature"}, classify("forged.safetensors")...)
}

// TestAdaptersThatAreRefused: what is wrong, and what to do; a task stays what it was.
func TestAdaptersThatAreRefused(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	task := in("task")
	addExperts(t, bundle)
	succeed(t, "adapt", support, "-b", bundle, "-o", in("a.safetensors"), "--task", task)
	good, err := os.ReadFile(in("a.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	state := func() string { return succeed(t, "journal", task, "--json") + succeed(t, "history", task, "--json") }
	before := state()

	// Other weights under the same config, as a bundle and as experts.
	other := testBundle(t)
	addExperts(t, other)
	strangeExperts(t, other)
	p := vit.NewParams[float32](testConfig)
	tensors := sparse.BackboneTensors(p)
	file, err := sparse.RandomExperts(tensors, 4, 0.2, 0.05, testConfig.Dim, newRand(9)).File(map[string]string{"backbone": describeFile(t, in("a.safetensors")).Bundle})
	if err != nil {
		t.Fatal(err)
	}
	saveSafetensors(t, in("experts.safetensors"), file)

	edited := slices.Clone(good)
	edited[len(edited)-3] ^= 1
	write(t, in("edited.safetensors"), edited)
	write(t, in("short.safetensors"), good[:len(good)-5])
	classify := func(file, bundle string, more ...string) []string {
		return append([]string{"classify", "-b", bundle, "-a", file, ask}, more...)
	}
	refuse(t, exitFailure, []string{"another bundle", "--bundle"}, classify(in("a.safetensors"), other)...)
	refuse(t, exitFailure, []string{"other experts", "--experts"}, classify(in("a.safetensors"), bundle, "--experts", in("experts.safetensors"))...)
	refuse(t, exitFailure, []string{"not what was written"}, classify(in("edited.safetensors"), bundle)...)
	refuse(t, exitFailure, []string{"truncated"}, classify(in("short.safetensors"), bundle)...)
	refuse(t, exitFailure, []string{"not a haguruma adapter"}, classify(filepath.Join(filepath.Dir(bundle), "default.safetensors.zst"), bundle)...)
	refuse(t, exitFailure, []string{"no such file"}, classify(in("none"), bundle)...)
	refuse(t, exitFailure, []string{"no task"}, classify(support, bundle)...)
	refuse(t, exitFailure, []string{"no task"}, "history", in("none"))
	refuse(t, exitFailure, []string{"no task"}, "rollback", support)
	refuse(t, exitFailure, []string{"no task"}, "adapt", "-b", bundle, "--task", in("none"))
	refuse(t, exitFailure, []string{"other files"}, "adapt", support, "-b", bundle, "--task", support)
	refuse(t, exitFailure, []string{"another bundle"}, "adapt", support, "-b", other, "--no-experts", "--task", task)

	twice := testSupport(t)
	if err := os.CopyFS(filepath.Join(twice, "other"), os.DirFS(filepath.Join(twice, "red"))); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{"red/1.png", "other/1.png", "same file"}, "adapt", twice, "-b", bundle, "--task", task)
	broken := testSupport(t)
	write(t, filepath.Join(broken, "red", "3.png"), []byte("this is text"))
	refuse(t, exitFailure, []string{"3.png"}, "adapt", broken, "-b", bundle, "--task", task)
	refuse(t, exitFailure, []string{"no such file"}, "adapt", support, "-b", bundle, "-o", filepath.Join(folder, "none", "a"))
	if after := state(); after != before {
		t.Errorf("the task was %s, is %s", before, after)
	}
	version := filepath.Join(task, "versions", "0001.safetensors")
	write(t, version, edited)
	refuse(t, exitFailure, []string{"damaged"}, classify(task, bundle)...)
	if text := succeed(t, "history", task); !strings.Contains(text, "damaged") {
		t.Errorf("history of a damaged version says %s", text)
	}
}
