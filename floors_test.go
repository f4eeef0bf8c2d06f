// The house rules, held by a test: which package may import which (the floors of docs/ARCHITECTURE.md), which package may use which library, how
// long a file may be, and that every dependency is pinned and explained.
package haguruma_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "haguruma"

// maxLines is where a file stops being one noun.
const maxLines = 450

// floors gives each package folder its floor; a folder that is not here is red.
var floors = map[string]int{
	"core/kernel":     0,
	"core/plainjson":  0,
	"core/picture":    0,
	"core/tensorfile": 1,
	"core/quant":      1,
	"core/torchfile":  2,
	"core/nn":         2,
	"core/vit":        3,
	"core/fewshot":    3,
	"adapt/journal":   3,
	"core/manifest":   4,
	"core/onnx":       4,
	"adapt/adapter":   4,
	"adapt/store":     4,
	"sparse":          4,
	"sparse/finetune": 5,
	"sparse/metatune": 5,
	"sparse/smat":     5,
	"adapt":           5,
	"adapt/export":    5,
	"adapt/signature": 5,
	"adapt/tune":      6,
	"adapt/carry":     7,
	"wasm/errcode":    7,
	"wasm/browser":    8,
	"wasm/bench":      8,
	"wasm/worker":     8,
	"cmd/haguruma":    8,
	"tools/relaxfix":  8,
	"tools/wasmtrim":  8,
}

// libraries says which folders may import a module in code that ships; a
// folder covers what is below it. Tests may use any module of go.mod.
var libraries = map[string][]string{
	"github.com/klauspost/compress":     {"core/tensorfile"},
	"github.com/nlpodyssey/gopickle":    {"core/torchfile"},
	"golang.org/x/image":                {"core/picture"},
	"gonum.org/v1/gonum":                {"sparse/metatune", "cmd"},
	"gonum.org/v1/plot":                 {"sparse/metatune", "cmd"},
	"github.com/hack-pad/safejs":        {"wasm"},
	"github.com/spf13/cobra":            {"cmd"},
	"github.com/spf13/pflag":            {"cmd"},
	"github.com/schollz/progressbar/v3": {"cmd"},
}

// sourceFile is one Go file of the tree, with every build constraint ignored.
type sourceFile struct {
	path    string // slash path from the root
	folder  string
	imports []string
}

func (f sourceFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// walk calls visit for every file of the project: not for what is built or installed, and not for folders the go command ignores too.
func walk(t *testing.T, root string, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			hidden := name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
			if hidden || slices.Contains([]string{"node_modules", "build", "dist", "out", "testdata", "shared"}, base) {
				return filepath.SkipDir
			}
			return nil
		}
		visit(filepath.ToSlash(name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func goFiles(t *testing.T, root string) []sourceFile {
	t.Helper()
	var files []sourceFile
	walk(t, root, func(name string) {
		if path.Ext(name) != ".go" {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		file := sourceFile{path: filepath.ToSlash(rel)}
		file.folder = path.Dir(file.path)
		for _, spec := range parsed.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			file.imports = append(file.imports, target)
		}
		files = append(files, file)
	})
	return files
}

// breaches lists what the files do against the floors.
func breaches(files []sourceFile) []string {
	var found []string
	for _, file := range files {
		if file.folder == "." {
			if !file.test() {
				found = append(found, fmt.Sprintf("%s: the root holds tests only, move it to a floor", file.path))
			}
			continue
		}
		floor, known := floors[file.folder]
		if !known {
			found = append(found, fmt.Sprintf("%s: package %s has no floor, add it to floors in floors_test.go", file.path, file.folder))
			continue
		}
		for _, target := range file.imports {
			below, ours := strings.CutPrefix(target, module+"/")
			if !ours || below == file.folder { // a package's own external test imports it
				continue
			}
			switch under, known := floors[below]; {
			case !known:
				found = append(found, fmt.Sprintf("%s: imports %s, which has no floor", file.path, target))
			case under >= floor:
				found = append(found, fmt.Sprintf("%s: floor %d imports %s of floor %d, imports point down only", file.path, floor, target, under))
			}
		}
	}
	return found
}

func within(folder string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return folder == a || strings.HasPrefix(folder, a+"/")
	})
}

// strangers lists imports of libraries where they may not ship.
func strangers(files []sourceFile) []string {
	var found []string
	for _, file := range files {
		for _, target := range file.imports {
			first, _, _ := strings.Cut(target, "/")
			if !strings.Contains(first, ".") || file.test() {
				continue // the standard library and ours; tests choose freely
			}
			known := false
			for library, allowed := range libraries {
				if target != library && !strings.HasPrefix(target, library+"/") {
					continue
				}
				known = true
				if !within(file.folder, allowed) {
					found = append(found, fmt.Sprintf("%s: %s may be used in %v only", file.path, target, allowed))
				}
			}
			if !known {
				found = append(found, fmt.Sprintf("%s: %s is in no rule, add it to libraries in floors_test.go and to docs/RATIONALE.md", file.path, target))
			}
		}
	}
	return found
}

func TestFloors(t *testing.T) {
	files := goFiles(t, ".")
	if len(files) < 2 {
		t.Fatalf("want the Go files of the tree, have %d", len(files))
	}
	for _, breach := range append(breaches(files), strangers(files)...) {
		t.Error(breach)
	}
}

// native are packages that the engine in the browser must not hold: it is
// downloaded, and they are large or read what no page is given.
var native = []string{"core/torchfile", "sparse/metatune", "sparse/smat"}

// TestEngineIsLean: no import leads from the engine to a native package.
func TestEngineIsLean(t *testing.T) {
	imports := map[string][]string{}
	for _, file := range goFiles(t, ".") {
		if !file.test() {
			imports[file.folder] = append(imports[file.folder], file.imports...)
		}
	}
	seen, todo := map[string]bool{}, []string{"wasm/browser"}
	for len(todo) > 0 {
		folder := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[folder] {
			continue
		}
		seen[folder] = true
		for _, target := range imports[folder] {
			if below, ours := strings.CutPrefix(target, module+"/"); ours {
				todo = append(todo, below)
			}
		}
	}
	if !seen["core/vit"] {
		t.Fatalf("the walk from wasm/browser saw %v", seen)
	}
	for _, folder := range native {
		if len(imports[folder]) == 0 {
			t.Errorf("%s: no such package", folder)
		}
		if seen[folder] {
			t.Errorf("%s: wasm/browser imports it, and must not", folder)
		}
	}
}

// TestFloorsSeeBreaches: the rules are red on a tree that breaks each of them
// once, so a rule that stopped looking would be noticed.
func TestFloorsSeeBreaches(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"core/kernel/up.go":           "package kernel\nimport _ \"haguruma/core/quant\"\n",
		"core/kernel/tagged_js.go":    "//go:build js && wasm\n\npackage kernel\nimport _ \"haguruma/adapt\"\n",
		"core/vit/same_test.go":       "package vit_test\nimport _ \"haguruma/core/fewshot\"\nimport _ \"haguruma/core/vit\"\n",
		"core/mystery/mystery.go":     "package mystery\n",
		"adapt/unknown.go":            "package adapt\nimport _ \"haguruma/core/nowhere\"\n",
		"adapt/good.go":               "package adapt\nimport _ \"haguruma/core/vit\"\n",
		"core/kernel/testdata/bad.go": "package bad\nimport _ \"haguruma/adapt\"\n",
		"core/nn/library.go":          "package nn\nimport _ \"gonum.org/v1/gonum/mat\"\n",
		"core/nn/library_test.go":     "package nn\nimport _ \"gonum.org/v1/gonum/mat\"\n",
		"core/nn/foreign.go":          "package nn\nimport _ \"example.com/foreign\"\n",
		"loose.go":                    "package haguruma\n",
	} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := goFiles(t, root)
	var have []string
	for _, breach := range append(breaches(files), strangers(files)...) {
		name, _, _ := strings.Cut(breach, ":")
		have = append(have, name)
	}
	slices.Sort(have)
	want := []string{
		"adapt/unknown.go", "core/kernel/tagged_js.go", "core/kernel/up.go", "core/mystery/mystery.go",
		"core/nn/foreign.go", "core/nn/library.go", "core/vit/same_test.go", "loose.go",
	}
	if !slices.Equal(have, want) {
		t.Errorf("want breaches in %v, have %v", want, have)
	}
}

// TestBrowserFiles: what talks to JavaScript builds for js/wasm alone, so a plain go build ./... never meets it.
func TestBrowserFiles(t *testing.T) {
	browser, native := build.Default, build.Default
	browser.GOOS, browser.GOARCH = "js", "wasm"
	native.GOOS, native.GOARCH = "linux", "amd64"
	for _, file := range goFiles(t, ".") {
		speaksJS := slices.ContainsFunc(file.imports, func(target string) bool {
			return target == "syscall/js" || strings.HasPrefix(target, "github.com/hack-pad/safejs")
		})
		if !speaksJS && !strings.HasPrefix(file.folder, "wasm/") {
			continue
		}
		there, err := browser.MatchFile(file.folder, path.Base(file.path))
		if err != nil {
			t.Fatal(err)
		}
		here, err := native.MatchFile(file.folder, path.Base(file.path))
		if err != nil {
			t.Fatal(err)
		}
		if !there || here {
			t.Errorf("%s: want //go:build js && wasm (built for js/wasm: %t, for linux/amd64: %t)", file.path, there, here)
		}
	}
}

func TestFileLength(t *testing.T) {
	generated := regexp.MustCompile(`^(//|#|/\*) Code generated .* DO NOT EDIT\.`)
	kinds := []string{".go", ".s", ".js", ".mjs", ".ts", ".css", ".html", ".sh", ".py"}
	built := []string{"www/wasm_exec.js"}
	walk(t, ".", func(name string) {
		if !slices.Contains(kinds, path.Ext(name)) || slices.Contains(built, name) {
			return
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := 0
		scanner := bufio.NewScanner(file)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			if generated.Match(scanner.Bytes()) {
				return
			}
			lines++
		}
		if err := scanner.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if lines > maxLines {
			t.Errorf("%s: %d lines, want at most %d: it holds more than one noun", name, lines, maxLines)
		}
	})
}

// goMod reads the directives of go.mod that the rules speak of.
func goMod(t *testing.T) (directives map[string]string, direct, indirect map[string]string) {
	t.Helper()
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	directives, direct, indirect = map[string]string{}, map[string]string{}, map[string]string{}
	block := ""
	for line := range strings.Lines(string(data)) {
		text, comment, _ := strings.Cut(strings.TrimSpace(line), "//")
		fields := strings.Fields(text)
		switch {
		case len(fields) == 0:
		case fields[0] == ")":
			block = ""
		case len(fields) == 2 && fields[1] == "(":
			block = fields[0]
		default:
			if block != "" {
				fields = append([]string{block}, fields...)
			}
			if len(fields) != 3 || fields[0] != "require" {
				directives[fields[0]] = strings.Join(fields[1:], " ")
			} else if strings.TrimSpace(comment) == "indirect" {
				indirect[fields[1]] = fields[2]
			} else {
				direct[fields[1]] = fields[2]
			}
		}
	}
	return directives, direct, indirect
}

func TestToolchainIsPinned(t *testing.T) {
	directives, direct, indirect := goMod(t)
	if directives["go"] != "1.27" {
		t.Errorf("go.mod: want go 1.27, have %q", directives["go"])
	}
	if !regexp.MustCompile(`^go1\.27\.\d+$`).MatchString(directives["toolchain"]) {
		t.Errorf("go.mod: want an exact toolchain go1.27.N, have %q", directives["toolchain"])
	}
	for _, banned := range []string{"replace", "exclude"} {
		if value, found := directives[banned]; found {
			t.Errorf("go.mod: %s %s: the module builds from published versions only", banned, value)
		}
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	exact := regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	for _, modules := range []map[string]string{direct, indirect} {
		for name, version := range modules {
			if !exact.MatchString(version) {
				t.Errorf("go.mod: %s %s is not an exact version", name, version)
			}
			if !strings.Contains(string(sums), name+" "+version+"/go.mod h1:") {
				t.Errorf("go.sum: %s %s has no hash", name, version)
			}
		}
	}
}

// TestDependenciesAreExplained: each direct dependency, Go or npm, is pinned
// and named in docs/RATIONALE.md.
func TestDependenciesAreExplained(t *testing.T) {
	rationale, err := os.ReadFile("docs/RATIONALE.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := func(where, name string) {
		if !strings.Contains(string(rationale), "`"+name+"`") {
			t.Errorf("%s: %s has no line in docs/RATIONALE.md (write it as `%s`)", where, name, name)
		}
	}
	_, direct, _ := goMod(t)
	for name := range direct {
		explained("go.mod", name)
	}
	data, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Dependencies, DevDependencies map[string]string
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatalf("package.json: %v", err)
	}
	if len(manifest.Dependencies) != 0 {
		t.Errorf("package.json: the page has no npm runtime dependency, have %v", manifest.Dependencies)
	}
	for name, version := range manifest.DevDependencies {
		explained("package.json", name)
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version) {
			t.Errorf("package.json: %s %s is not an exact version", name, version)
		}
	}
	if _, err := os.Stat("package-lock.json"); err != nil {
		t.Errorf("package-lock.json: %v", err)
	}
}
