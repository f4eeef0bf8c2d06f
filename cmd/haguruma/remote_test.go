package main

import (
	"bytes"
	"encoding/json"
	"image/color"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/core/picture"
)

// fakeEdge answers as the endpoint does; edge/test holds the verbs to the real one.
func fakeEdge(t *testing.T, answers map[string]func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hgr_test_secret" {
			t.Errorf("%s %s: Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		answer := answers[r.Method+" "+r.URL.Path]
		if answer == nil {
			t.Errorf("nobody answers %s %s", r.Method, r.URL)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("HAGURUMA_URL", server.URL)
	t.Setenv("HAGURUMA_TOKEN", "hgr_test_secret")
	return server.URL
}

func says(status int, body string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const edgeBundle = `{"name": "test", "sha256": "00", "imageSize": 16}`

// TestSquare: the square that is sent is what the bundle sees of the picture, and to scale it again changes nothing.
func TestSquare(t *testing.T) {
	pic, err := picture.Decode(encodePNG(t, testImage(red, 3)), picture.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{7, 16, 64} {
		data, err := square(pic, size)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := picture.Decode(data, picture.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if want := pic.Square(size); !bytes.Equal(sent.Square(size).Pix, want.Pix) || sent.Width != size {
			t.Errorf("size %d: other pixels", size)
		}
	}
}

// TestRemoteClassify: every picture is sent once under any name, as a square, and one that cannot be read is told.
func TestRemoteClassify(t *testing.T) {
	sent := 0
	fakeEdge(t, map[string]func(w http.ResponseWriter, r *http.Request){
		"GET /v1/bundle": says(200, edgeBundle),
		"POST /v1/tasks/x/classify": func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				t.Fatal(err)
			}
			results := []map[string]any{}
			for _, part := range r.MultipartForm.File["picture"] {
				file, err := part.Open()
				if err != nil {
					t.Fatal(err)
				}
				data, _ := io.ReadAll(file)
				if pic, err := picture.Decode(data, picture.DefaultLimits); err != nil || pic.Width != 16 || pic.Height != 16 {
					t.Errorf("want squares of 16, have %v, %v", pic, err)
				}
				sent++
				results = append(results, map[string]any{"class": "a", "probability": 0.75, "known": sent != 2, "scores": []map[string]any{{"name": "b", "probability": 0.25}, {"name": "a", "probability": 0.75}}})
			}
			json.NewEncoder(w).Encode(map[string]any{"version": 3, "results": results})
		},
	})
	folder := queries(t)
	write(t, filepath.Join(folder, "z.png"), []byte("no picture"))
	code, out, complaints := execute(t, "remote", "classify", "--task", "x", "--json", folder)
	if code != exitFailure || !strings.Contains(complaints, "z.png") || sent != 3 {
		t.Errorf("exit %d, %d sent: %s", code, sent, complaints)
	}
	var said struct {
		Versions []int
		Results  []classified
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatal(err)
	}
	if len(said.Results) != 4 || said.Results[0].Scores[0].Class != "a" || !said.Results[1].Unknown || said.Results[3].Error == "" || said.Versions[0] != 3 {
		t.Errorf("have %+v", said)
	}
}

// TestRemoteAdapt: names of classes arrive as they are.
func TestRemoteAdapt(t *testing.T) {
	fakeEdge(t, map[string]func(w http.ResponseWriter, r *http.Request){
		"GET /v1/bundle": says(200, edgeBundle),
		"POST /v1/tasks": func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				t.Fatal(err)
			}
			if f := r.MultipartForm.File; len(f["red"]) != 2 || len(f["良品 b"]) != 1 || r.URL.Query().Get("head") != "ridge" {
				t.Errorf("have %v, %v", f, r.URL)
			}
			says(201, `{"task": {"id": "new", "versions": [{"version": 1, "classes": 3, "examples": 5, "hits": 4, "total": 5}]}, "version": 1, "taken": true}`)(w, r)
		},
	})
	support := testSupport(t)
	if err := os.MkdirAll(filepath.Join(support, "良品 b"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(support, "良品 b", "1.png"), encodePNG(t, testImage(color.RGBA{1, 2, 3, 255}, 5)))
	if out := succeed(t, "remote", "adapt", support, "--head", "ridge"); !strings.Contains(out, "new: version 1 is in use") {
		t.Errorf("have %s", out)
	}
}

// TestRemoteProblems: what the endpoint says is told with what can be done about it; the token is in no message.
func TestRemoteProblems(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		words  []string
	}{
		{401, `{"status": 401, "code": "token", "detail": "a token is wanted"}`, []string{"a token is wanted", "HAGURUMA_TOKEN"}},
		{404, `{"status": 404, "code": "no_task", "detail": "there is no such task"}`, []string{"no such task"}},
		{503, `{"status": 503, "code": "storage", "detail": "storage cannot be reached"}`, []string{"try again"}},
		{200, `<html>`, []string{"not an answer", "--url"}},
		{502, `<html>`, []string{"HTTP 502", "--url"}},
		{302, ``, []string{"HTTP 302"}},
	} {
		fakeEdge(t, map[string]func(w http.ResponseWriter, r *http.Request){"GET /v1/tasks/x": says(c.status, c.body)})
		code, _, complaints := execute(t, "remote", "history", "--task", "x")
		for _, word := range c.words {
			if code != exitFailure || !strings.Contains(complaints, word) || strings.Contains(complaints, "hgr_test_secret") {
				t.Errorf("%d: want %q, have exit %d: %s", c.status, word, code, complaints)
			}
		}
	}
}

func TestRemoteUsage(t *testing.T) {
	t.Setenv("HAGURUMA_TOKEN", "")
	t.Setenv("HAGURUMA_URL", "")
	for _, c := range []struct {
		word string
		args []string
	}{
		{"what is to be done", []string{}},
		{"--url", []string{"history", "--task", "x"}},
		{"want https", []string{"history", "--task", "x", "--url", "http://example.com"}},
		{"want https://HOST", []string{"history", "--task", "x", "--url", "ftp://example.com"}},
		{"no token", []string{"history", "--task", "x", "--url", "https://example.com"}},
		{"--task", []string{"history"}},
		{"--task", []string{"classify", "q.png"}},
		{"no query", []string{"classify", "--task", "x"}},
		{"--head", []string{"adapt", "x", "--head", "forest"}},
		{"--share", []string{"adapt", "x", "--share", "0.5"}},
		{"do not go together", []string{"classify", "--task", "x", "--json", "--csv", "q"}},
	} {
		code, _, complaints := execute(t, append([]string{"remote"}, c.args...)...)
		if code != exitUsage || !strings.Contains(complaints, c.word) {
			t.Errorf("%v: want %q, have exit %d: %s", c.args, c.word, code, complaints)
		}
	}
}
