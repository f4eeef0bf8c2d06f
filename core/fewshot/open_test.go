//go:build !js

package fewshot

import (
	"archive/zip"
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"haguruma/core/picture"
)

// entry is one file of a test set.
type entry struct {
	name string
	data []byte
}

// tiny returns a PNG of 3 x 2 pixels of one gray.
func tiny(t testing.TB, gray uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range m.Pix {
		m.Pix[i] = gray
	}
	m.SetGray(1, 1, color.Gray{Y: 255 - gray})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// threeClasses is a small set with the litter that real ones have.
func threeClasses(t testing.TB) []entry {
	return []entry{
		{"cat/2.png", tiny(t, 2)}, {"cat/1.PNG", tiny(t, 1)}, {"cat/.hidden.png", tiny(t, 9)}, {"cat/Thumbs.db", []byte("x")},
		{"ant/b.png", tiny(t, 4)}, {"ant/a.png", tiny(t, 3)}, {"__MACOSX/cat/._1.png", []byte("x")}, {".git/objects/a.png", []byte("x")},
		{"bee/long name.png", tiny(t, 5)}, {"bee/notes.txt", []byte("notes")},
	}
}

const threeClassesTree = "ant[a.png b.png] bee[long name.png] cat[1.PNG 2.png]"

func makeZip(t testing.TB, method uint16, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeFolder(t testing.TB, entries []entry) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "set")
	for _, e := range entries {
		path := filepath.Join(root, filepath.FromSlash(e.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, e.data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFolderAndZipAreTheSameSet(t *testing.T) {
	entries := threeClasses(t)
	want := make(map[string][]byte)
	for _, e := range entries {
		want[e.name] = e.data
	}
	wrapped := slices.Clone(entries)
	for i := range wrapped {
		wrapped[i].name = "photos/" + wrapped[i].name
	}
	for name, path := range map[string]string{
		"folder":         makeFolder(t, entries),
		"wrapped folder": makeFolder(t, wrapped),
		"stored":         writeFile(t, "set.zip", makeZip(t, zip.Store, entries)),
		"deflated":       writeFile(t, "set.ZIP", makeZip(t, zip.Deflate, entries)),
		"wrapped zip":    writeFile(t, "set.zip", makeZip(t, zip.Deflate, wrapped)),
		"other suffix":   writeFile(t, "set", makeZip(t, zip.Store, entries)),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := OpenDataset(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(d); d.Name != "set" || got != threeClassesTree || d.Skipped != 1 {
				t.Errorf("have %s: %s, %d skipped", d.Name, got, d.Skipped)
			}
			for c, class := range d.Classes {
				for i, r := range class.Images {
					data, err := d.Bytes(c, i)
					if err != nil || !bytes.Equal(data, want[class.Name+"/"+r.Name]) {
						t.Errorf("%s/%s: %d bytes, %v", class.Name, r.Name, len(data), err)
					}
					if r.Size >= 0 && r.Size != int64(len(data)) {
						t.Errorf("%s/%s: size %d, have %d bytes", class.Name, r.Name, r.Size, len(data))
					}
				}
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Error(err)
			}
			if _, err := d.Bytes(0, 0); !errors.Is(err, os.ErrClosed) {
				t.Errorf("after Close: %v, want os.ErrClosed", err)
			}
		})
	}
}

func TestBytesFromManyGoroutines(t *testing.T) {
	for _, path := range []string{makeFolder(t, threeClasses(t)), writeFile(t, "set.zip", makeZip(t, zip.Deflate, threeClasses(t)))} {
		d, err := OpenDataset(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := d.Bytes(0, 1)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					if data, err := d.Bytes(0, 1); err != nil || !bytes.Equal(data, want) {
						t.Errorf("%d bytes, %v", len(data), err)
						return
					}
				}
			})
		}
		wg.Wait()
		d.Close()
	}
}

func TestPicture(t *testing.T) {
	path := makeFolder(t, []entry{{"a/1.png", tiny(t, 7)}, {"a/2.png", []byte("no picture")}})
	d, err := OpenDataset(path)
	if err != nil {
		t.Fatal(err)
	}
	pic, err := d.Picture(0, 0, picture.DefaultLimits)
	if err != nil || pic.Width != 3 || pic.Height != 2 || pic.Pix[0] != 7 {
		t.Fatalf("have %+v, %v", pic, err)
	}
	_, err = d.Picture(0, 1, picture.DefaultLimits)
	if !errors.Is(err, picture.ErrFormat) || !strings.Contains(err.Error(), "a/2.png") {
		t.Errorf("%v: want picture.ErrFormat naming a/2.png", err)
	}
	if err := os.Remove(filepath.Join(path, "a", "1.png")); err != nil {
		t.Fatal(err)
	}
	_, err = d.Picture(0, 0, picture.DefaultLimits)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "a/1.png") {
		t.Errorf("%v: want os.ErrNotExist naming a/1.png", err)
	}
}

func TestFolderIsRefused(t *testing.T) {
	if _, err := OpenDataset(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := OpenDataset(t.TempDir()); !errors.Is(err, ErrNoClass) {
		t.Errorf("empty: %v", err)
	}
	root := makeFolder(t, []entry{{"a/1.png", tiny(t, 1)}})
	if err := os.Mkdir(filepath.Join(root, "b"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDataset(root); !errors.Is(err, ErrEmptyClass) {
		t.Errorf("empty class: %v", err)
	}
	if err := os.Symlink(root, filepath.Join(root, "b", "loop")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDataset(root); !errors.Is(err, ErrEmptyClass) {
		t.Errorf("a link in a circle: %v", err)
	}
	big, err := os.Create(filepath.Join(root, "b", "big.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(MaxImageBytes + 1); err != nil { // sparse: takes no room
		t.Fatal(err)
	}
	d, err := OpenDataset(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Bytes(1, 0); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "b/big.png") {
		t.Errorf("%v: want ErrTooLarge naming b/big.png", err)
	}
}

func TestZipIsRefused(t *testing.T) {
	good := entry{"a/1.png", tiny(t, 1)}
	// raw writes an entry whose header need not be true.
	raw := func(h zip.FileHeader, data []byte) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if h.CompressedSize64 == 0 {
			h.CompressedSize64 = uint64(len(data))
		}
		f, err := w.CreateRaw(&h)
		if err == nil {
			_, err = f.Write(data)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	stored := makeZip(t, zip.Store, []entry{good})
	for _, test := range []struct {
		name string
		data []byte
		err  error
	}{
		{"empty file", nil, ErrFormat},
		{"foreign file", tiny(t, 1), ErrFormat},
		{"no entry", makeZip(t, zip.Store, nil), ErrNoClass},
		{"cut in half", stored[:len(stored)/2], ErrFormat},
		{"empty class", makeZip(t, zip.Store, []entry{good, {"b/", nil}}), ErrEmptyClass},
		{"twice", makeZip(t, zip.Store, []entry{good, good}), ErrDuplicate},
		{"up", makeZip(t, zip.Store, []entry{good, {"../a/2.png", nil}}), ErrPath},
		{"up inside", makeZip(t, zip.Store, []entry{good, {"a/../../2.png", nil}}), ErrPath},
		{"up in litter", makeZip(t, zip.Store, []entry{good, {".x/../../2.png", nil}}), ErrPath},
		{"absolute", makeZip(t, zip.Store, []entry{good, {"/a/2.png", nil}}), ErrPath},
		{"drive", makeZip(t, zip.Store, []entry{good, {"C:/2.png", nil}}), ErrPath},
		{"backslash", makeZip(t, zip.Store, []entry{good, {`a\2.png`, nil}}), ErrPath},
		{"double slash", makeZip(t, zip.Store, []entry{good, {"a//2.png", nil}}), ErrPath},
		{"not text", makeZip(t, zip.Store, []entry{good, {"a/\xff.png", nil}}), ErrPath},
		{"encrypted", raw(zip.FileHeader{Name: "a/1.png", Flags: 1, UncompressedSize64: 4}, []byte("data")), ErrEncrypted},
		{"foreign method", raw(zip.FileHeader{Name: "a/1.png", Method: 12, UncompressedSize64: 4}, []byte("data")), ErrFormat},
		{"over the limit", raw(zip.FileHeader{Name: "a/1.png", Method: zip.Deflate, UncompressedSize64: MaxImageBytes + 1}, []byte("data")), ErrTooLarge},
		{"more than deflate can", raw(zip.FileHeader{Name: "a/1.png", Method: zip.Deflate, UncompressedSize64: 4*maxDeflateRatio + 1}, []byte("data")), ErrTooLarge},
		{"stored sizes differ", raw(zip.FileHeader{Name: "a/1.png", UncompressedSize64: 5}, []byte("data")), ErrFormat},
		{"more than the file", raw(zip.FileHeader{Name: "a/1.png", CompressedSize64: 1 << 20, UncompressedSize64: 1 << 20}, []byte("data")), ErrTruncated},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := OpenDataset(writeFile(t, "set.zip", test.data))
			if !errors.Is(err, test.err) {
				t.Fatalf("have %v, %v; want %v", d, err, test.err)
			}
			if !strings.Contains(err.Error(), "fewshot: set") {
				t.Errorf("%q does not name the set", err)
			}
		})
	}
}

// Whatever single byte of an archive is damaged, an image is either right or an error that names it.
func TestDamagedZip(t *testing.T) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		entries := []entry{{"a/1.png", tiny(t, 1)}, {"b/2.png", tiny(t, 2)}}
		whole := makeZip(t, method, entries)
		damagedImages := 0
		for i := range whole {
			data := slices.Clone(whole)
			data[i] ^= 0x55
			d, err := OpenZip("set", bytes.NewReader(data), int64(len(data)))
			if err != nil {
				continue
			}
			for c, class := range d.Classes {
				for j, r := range class.Images {
					got, err := d.Bytes(c, j)
					if err != nil {
						damagedImages++
						if !strings.Contains(err.Error(), class.Name+"/"+r.Name) {
							t.Fatalf("byte %d: %q does not name the image", i, err)
						}
					} else if !bytes.Equal(got, entries[0].data) && !bytes.Equal(got, entries[1].data) {
						t.Fatalf("byte %d: %s/%s: wrong bytes without an error", i, class.Name, r.Name)
					}
				}
			}
		}
		if damagedImages < len(entries[0].data) {
			t.Errorf("method %d: only %d damaged images were found", method, damagedImages)
		}
		for n := range whole {
			if _, err := OpenZip("set", bytes.NewReader(whole[:n]), int64(n)); !errors.Is(err, ErrFormat) {
				t.Fatalf("cut to %d of %d bytes: %v, want ErrFormat", n, len(whole), err)
			}
		}
	}
}

func FuzzOpenZip(f *testing.F) {
	f.Add(makeZip(f, zip.Store, threeClasses(f)))
	f.Add(makeZip(f, zip.Deflate, []entry{{"set/a/1.png", tiny(f, 1)}, {"set/b/", nil}}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := OpenZip("set", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for c, class := range d.Classes {
			if len(class.Images) == 0 || class.Name == "" || class.Name == ".." || strings.ContainsAny(class.Name, `/\`) {
				t.Fatalf("class %q with %d images", class.Name, len(class.Images))
			}
			for i := range class.Images {
				got, err := d.Bytes(c, i)
				if err == nil && int64(len(got)) != class.Images[i].Size {
					t.Fatalf("%d bytes, size %d", len(got), class.Images[i].Size)
				}
				if errors.Is(err, io.EOF) {
					t.Fatalf("%v: a bare end of file", err)
				}
			}
		}
	})
}
