package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// securityHeaders go with every answer. The page needs its own scripts,
// WebAssembly, a Worker, its own files, pictures from blobs, and nothing else:
// no answer of this server can make a browser speak to another machine.
var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
		"img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Permissions-Policy":           "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// contentTypes are fixed here: what the operating system believes differs.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".ts":          "text/plain; charset=utf-8",
	".md":          "text/plain; charset=utf-8",
	".txt":         "text/plain; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".jpg":         "image/jpeg",
	".jpeg":        "image/jpeg",
	".gif":         "image/gif",
	".webp":        "image/webp",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
}

const unknownType = "application/octet-stream" // .zst, .safetensors and all else

// encodings are the content codings that a file may lie in beside itself, the
// smaller first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

var errNoFolder = errors.New("not a folder")

// site is the http.Handler of a folder of static files.
type site struct {
	root   *os.Root
	hashes sync.Map // hashKey -> string
}

type hashKey struct {
	name     string
	size     int64
	modified time.Time
}

func openSite(folder string) (*site, error) {
	if info, err := os.Stat(folder); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: %w", folder, errNoFolder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &site{root: root}, nil
}

func (s *site) Close() error { return s.root.Close() }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range securityHeaders {
		w.Header().Set(name, value)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this server only reads", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if strings.HasSuffix(r.URL.Path, "/") {
		name = path.Join(name, "index.html")
	}
	if hidden(name) {
		http.NotFound(w, r)
		return
	}
	if name == listName && s.hasList() {
		s.serveList(w, r)
		return
	}
	file, info, err := s.open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { file.Close() }()
	if info.IsDir() {
		http.Redirect(w, r, "/"+name+"/", http.StatusMovedPermanently)
		return
	}
	contentType := contentTypes[strings.ToLower(path.Ext(name))]
	if contentType == "" {
		contentType = unknownType
	}
	w.Header().Set("Content-Type", contentType)
	// Nothing has its hash in its name, so a browser asks each time; the tag
	// lets it keep what has not changed.
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Vary", "Accept-Encoding")
	for _, coding := range encodings {
		if !accepts(r.Header.Get("Accept-Encoding"), coding.name) {
			continue
		}
		if packed, packedInfo, err := s.open(name + coding.suffix); err == nil {
			if packedInfo.Mode().IsRegular() && !packedInfo.ModTime().Before(info.ModTime()) {
				file.Close()
				name, file, info = name+coding.suffix, packed, packedInfo
				w.Header().Set("Content-Encoding", coding.name)
				break
			}
			packed.Close()
		}
	}
	hash, err := s.hash(name, file, info)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", entityTag(hash))
	http.ServeContent(w, r, name, time.Time{}, file)
}

func (s *site) open(name string) (*os.File, os.FileInfo, error) {
	file, err := s.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// serveList answers with the list as it is now, whatever files.json lies there.
func (s *site) serveList(w http.ResponseWriter, r *http.Request) {
	text, err := s.list()
	if err != nil {
		http.Error(w, "the files cannot be listed", http.StatusInternalServerError)
		return
	}
	hash := sha256.Sum256(text)
	w.Header().Set("Content-Type", contentTypes[".json"])
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", entityTag(hex.EncodeToString(hash[:])))
	http.ServeContent(w, r, listName, time.Time{}, bytes.NewReader(text))
}

func entityTag(hash string) string { return `"` + hash[:32] + `"` }

// hash returns the sha256 of a file in hexadecimal, computed once for each
// state of the file, and leaves the file at its start.
func (s *site) hash(name string, file *os.File, info os.FileInfo) (string, error) {
	key := hashKey{name, info.Size(), info.ModTime()}
	if hash, known := s.hashes.Load(key); known {
		return hash.(string), nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	text := hex.EncodeToString(hash.Sum(nil))
	s.hashes.Store(key, text)
	return text, nil
}

// hidden tells whether a part of the path begins with a dot.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// accepts reads an Accept-Encoding header (RFC 9110, section 12.5.3) for one coding.
func accepts(header, coding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		weight, found := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		if !found {
			return true
		}
		q, err := strconv.ParseFloat(weight, 64)
		return err == nil && q > 0
	}
	return false
}
