package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testSite writes a small page and returns its folder.
func testSite(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "www")
	for name, text := range map[string]string{
		"index.html": "<!doctype html><title>t</title>", "app.js": "export {};", "engine.wasm": "\x00asm",
		"models/default.json": "{}", "models/a.safetensors.zst": "zst", ".secret": "no", ".git/config": "no",
		"packed.js": "plain plain plain", "packed.js.br": "br", "packed.js.gz": "gz",
	} {
		write(t, filepath.Join(folder, name), []byte(text))
	}
	write(t, filepath.Join(folder, "..", "outside.txt"), []byte("outside"))
	if err := os.Symlink(filepath.Join(folder, "..", "outside.txt"), filepath.Join(folder, "link.txt")); err != nil {
		t.Fatal(err)
	}
	return folder
}

func get(t *testing.T, handler http.Handler, method, target string, headers map[string]string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, "http://localhost/", nil)
	request.URL.Path = target
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestSite(t *testing.T) {
	files, err := openSite(testSite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for _, c := range []struct {
		path   string
		status int
		kind   string
	}{
		{"/", 200, "text/html; charset=utf-8"},
		{"/index.html", 200, "text/html; charset=utf-8"},
		{"/app.js", 200, "text/javascript; charset=utf-8"},
		{"/engine.wasm", 200, "application/wasm"},
		{"/models/default.json", 200, "application/json"},
		{"/models/a.safetensors.zst", 200, "application/octet-stream"},
		{"/models", 301, ""},
		{"/models/", 404, ""},
		{"/nothing", 404, ""},
		{"/.secret", 404, ""},
		{"/.git/config", 404, ""},
		{"/link.txt", 404, ""},
		{"/../outside.txt", 404, ""},
		{"/models/../../outside.txt", 404, ""},
		{"/a\x00b", 404, ""},
	} {
		answer := get(t, files, "GET", c.path, nil)
		if answer.StatusCode != c.status {
			t.Errorf("%q: want status %d, have %d", c.path, c.status, answer.StatusCode)
		}
		if c.kind != "" && answer.Header.Get("Content-Type") != c.kind {
			t.Errorf("%q: want type %s, have %s", c.path, c.kind, answer.Header.Get("Content-Type"))
		}
		for name, value := range securityHeaders {
			if answer.Header.Get(name) != value {
				t.Errorf("%q: want %s: %s, have %q", c.path, name, value, answer.Header.Get(name))
			}
		}
		if c.status == 200 && (answer.Header.Get("Cache-Control") != "no-cache" || answer.Header.Get("ETag") == "") {
			t.Errorf("%q: want no-cache and an ETag, have %v", c.path, answer.Header)
		}
	}
	if answer := get(t, files, "POST", "/", nil); answer.StatusCode != 405 || answer.Header.Get("Allow") == "" {
		t.Errorf("POST: want status 405 with Allow, have %d", answer.StatusCode)
	}
}

// TestSiteCaching: an unchanged file is not sent again, a changed one is.
func TestSiteCaching(t *testing.T) {
	folder := testSite(t)
	files, err := openSite(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	tag := get(t, files, "GET", "/app.js", nil).Header.Get("ETag")
	if answer := get(t, files, "GET", "/app.js", map[string]string{"If-None-Match": tag}); answer.StatusCode != 304 {
		t.Errorf("want status 304, have %d", answer.StatusCode)
	}
	write(t, filepath.Join(folder, "app.js"), []byte("export const changed = 1;"))
	if answer := get(t, files, "GET", "/app.js", map[string]string{"If-None-Match": tag}); answer.StatusCode != 200 {
		t.Errorf("after a change: want status 200, have %d", answer.StatusCode)
	}
}

// TestSiteEncodings: the smallest form that the browser takes, unless it is
// older than the file itself.
func TestSiteEncodings(t *testing.T) {
	folder := testSite(t)
	age := func(name string, seconds int64) {
		if err := os.Chtimes(filepath.Join(folder, name), time.Time{}, time.Unix(seconds, 0)); err != nil {
			t.Fatal(err)
		}
	}
	age("packed.js", 1000)
	age("packed.js.br", 1000)
	age("packed.js.gz", 2000)
	files, err := openSite(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for accept, want := range map[string]string{
		"gzip, deflate, br": "br", "gzip": "gz", "br;q=0, gzip;q=0.5": "gz", "": "plain plain plain", "identity": "plain plain plain",
	} {
		answer := get(t, files, "GET", "/packed.js", map[string]string{"Accept-Encoding": accept})
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if string(body) != want || answer.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accepting %q: want %q, have %q with %v", accept, want, body, answer.Header)
		}
	}
	age("packed.js.br", 999)
	if answer := get(t, files, "GET", "/packed.js", map[string]string{"Accept-Encoding": "br"}); answer.Header.Get("Content-Encoding") != "" {
		t.Error("want no coding that is older than its file")
	}
}

// TestServe: the whole verb: a taken port is passed over, the page is handed
// out, and the end of the context ends it with 0.
func TestServe(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	t.Setenv("PORT", strconv.Itoa(port))

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	output, stdout := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	folder := testSite(t)
	go func() { ended <- run(ctx, []string{"serve", "--json", folder}, stdout, &stderr) }()
	line := make([]byte, 4096)
	n, err := output.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	where := parse[map[string]string](t, string(line[:n]))["url"]
	if !strings.HasPrefix(where, "http://localhost:") || strings.Contains(where, ":"+strconv.Itoa(port)+"/") {
		t.Fatalf("want another port of localhost than %d, have %q", port, where)
	}
	answer, err := http.Get(where)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("want status 200, have %d", answer.StatusCode)
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("want exit code 0 after a stop, have %d: %s", code, stderr.String())
	}
	if _, err := http.Get(where); err == nil {
		t.Error("want no answer after the stop")
	}
}

func TestServePort(t *testing.T) {
	t.Setenv("PORT", "many")
	refuse(t, exitUsage, []string{"PORT"}, "serve", testSite(t))
}

// TestSiteList: the list has what a page is made of as it is now, with the
// hashes of the bytes that are served, and nothing else; no list without a
// service worker.
func TestSiteList(t *testing.T) {
	folder := testSite(t)
	files, err := openSite(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if answer := get(t, files, "GET", "/files.json", nil); answer.StatusCode != 404 {
		t.Errorf("without sw.js: want status 404, have %d", answer.StatusCode)
	}
	put := func(name, text string) { write(t, filepath.Join(folder, name), []byte(text)) }
	put("sw.js", "worker")
	put("files.json", "stale")
	put("models/default.json", `{"file": "a.safetensors.zst", "experts": {"file": "e.safetensors"}}`)
	put("models/e.safetensors", "experts")
	put("models/another.safetensors.zst", "another")
	put("test/x.test.js", "a test")
	put("types.d.ts", "types")
	put("app.js.br", "packed")

	type list struct {
		Files map[string]struct {
			Bytes  int64
			SHA256 string
		}
	}
	read := func() (list, string) {
		t.Helper()
		answer := get(t, files, "GET", "/files.json", nil)
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/json" || answer.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("files.json: have status %d, %v", answer.StatusCode, answer.Header)
		}
		var have list
		if err := json.NewDecoder(answer.Body).Decode(&have); err != nil {
			t.Fatal(err)
		}
		return have, answer.Header.Get("ETag")
	}
	have, tag := read()
	for _, name := range []string{"index.html", "app.js", "engine.wasm", "models/default.json", "models/a.safetensors.zst", "models/e.safetensors"} {
		body, err := io.ReadAll(get(t, files, "GET", "/"+name, nil).Body)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%x", sha256.Sum256(body))
		if name == "index.html" {
			body, _ = io.ReadAll(get(t, files, "GET", "/", nil).Body)
		}
		if file := have.Files[name]; file.SHA256 != want || file.Bytes != int64(len(body)) {
			t.Errorf("%s: want %d bytes, %s, have %+v", name, len(body), want, file)
		}
	}
	for name := range have.Files {
		if strings.Contains(name, "test") || strings.HasPrefix(name, ".") || name == "sw.js" || name == "files.json" ||
			name == "models/another.safetensors.zst" || strings.HasSuffix(name, ".ts") || strings.HasSuffix(name, ".br") {
			t.Errorf("%s is in the list", name)
		}
	}
	if _, same := read(); same != tag {
		t.Errorf("nothing changed: want tag %s, have %s", tag, same)
	}
	put("app.js", "another program")
	changed, other := read()
	if changed.Files["app.js"] == have.Files["app.js"] || other == tag {
		t.Errorf("app.js changed: have %+v, tag %s", changed.Files["app.js"], other)
	}
	put("models/default.json", "not JSON")
	if answer := get(t, files, "GET", "/files.json", nil); answer.StatusCode != 500 {
		t.Errorf("a manifest that is no JSON: want status 500, have %d", answer.StatusCode)
	}
}

func TestServeList(t *testing.T) {
	folder := testSite(t)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--list", folder}, &stdout, &stderr); code != exitOK {
		t.Fatalf("want exit code 0, have %d: %s", code, stderr.String())
	}
	list := parse[struct{ Files map[string]any }](t, stdout.String())
	if list.Files["index.html"] == nil {
		t.Errorf("want a list with index.html, have %s", stdout.String())
	}
}
