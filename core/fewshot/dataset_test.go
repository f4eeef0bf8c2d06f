package fewshot

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// memory is a source whose entries are their own paths, for tests that need no files.
type memory struct{ contents []string }

func (m *memory) read(entry int) ([]byte, error) {
	if m.contents == nil {
		return nil, os.ErrClosed
	}
	return []byte(m.contents[entry]), nil
}

func (m *memory) close() error { m.contents = nil; return nil }

// fromPaths makes a data set of the given paths; a path that ends in a slash is a folder.
func fromPaths(paths ...string) (*Dataset, error) {
	files := make([]file, len(paths))
	for i, p := range paths {
		path := strings.TrimSuffix(p, "/")
		files[i] = file{path: path, size: int64(len(p)), entry: i, dir: path != p}
	}
	return newDataset("set", files, &memory{contents: paths})
}

// sized makes a data set whose classes have the given numbers of images.
func sized(t testing.TB, sizes ...int) *Dataset {
	t.Helper()
	var paths []string
	for c, n := range sizes {
		for i := range n {
			paths = append(paths, fmt.Sprintf("class%04d/%04d.png", c, i))
		}
	}
	d, err := fromPaths(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// tree writes a data set as class[image image] class[image].
func tree(d *Dataset) string {
	var b strings.Builder
	for i, c := range d.Classes {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Name + "[")
		for j, r := range c.Images {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(r.Name)
		}
		b.WriteByte(']')
	}
	return b.String()
}

func TestLayoutRules(t *testing.T) {
	for _, test := range []struct {
		name    string
		paths   []string
		want    string
		skipped int
		err     error
	}{
		{name: "sorted in byte order", paths: []string{"b/2.png", "b/10.png", "a/x.jpg", "B/y.gif", "ä/z.bmp"}, want: "B[y.gif] a[x.jpg] b[10.png 2.png] ä[z.bmp]"},
		{name: "suffixes in any case", paths: []string{"a/1.JPG", "a/2.Jpeg", "a/3.pNg", "a/4.GIF", "a/5.WebP", "a/6.BMP"}, want: "a[1.JPG 2.Jpeg 3.pNg 4.GIF 5.WebP 6.BMP]"},
		{name: "other files are counted", paths: []string{"a/1.png", "a/notes.txt", "readme.md", "a/png", "cover.png"}, want: "a[1.png]", skipped: 4},
		{name: "deeper images are counted", paths: []string{"a/1.png", "a/more/2.png", "a/more/3.png"}, want: "a[1.png]", skipped: 2},
		{name: "one wrapping folder is the root", paths: []string{"set/", "set/b/1.png", "set/a/2.png", "readme.txt", "set/licence"}, want: "a[2.png] b[1.png]", skipped: 2},
		{name: "two wrapping folders are classes without images", paths: []string{"train/a/1.png", "test/a/2.png"}, err: ErrEmptyClass},
		{name: "no wrapper when it holds an image itself", paths: []string{"a/1.png", "a/b/2.png"}, want: "a[1.png]", skipped: 1},
		{name: "empty folder", paths: []string{"a/1.png", "b/"}, err: ErrEmptyClass},
		{name: "folder with other files only", paths: []string{"a/1.png", "b/notes.txt"}, err: ErrEmptyClass},
		{name: "empty folder below the wrapper", paths: []string{"set/a/1.png", "set/b/"}, err: ErrEmptyClass},
		{name: "nothing", err: ErrNoClass},
		{name: "images without a class", paths: []string{"1.png", "2.png"}, err: ErrNoClass},
		{name: "one image twice", paths: []string{"a/1.png", "a/2.png", "a/1.png"}, err: ErrDuplicate},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := fromPaths(test.paths...)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			if got := tree(d); got != test.want || d.Skipped != test.skipped {
				t.Errorf("have %s, %d skipped; want %s, %d", got, d.Skipped, test.want, test.skipped)
			}
		})
	}
}

func TestEmptyClassIsNamed(t *testing.T) {
	_, err := fromPaths("good/1.png", "spare/readme.txt")
	if err == nil || !strings.Contains(err.Error(), `"spare"`) {
		t.Errorf("error %v does not name the class", err)
	}
}

func TestBytesFollowTheSortedOrder(t *testing.T) {
	d, err := fromPaths("b/2.png", "b/1.png", "a/3.png")
	if err != nil {
		t.Fatal(err)
	}
	for c, class := range d.Classes {
		for i, r := range class.Images {
			got, err := d.Bytes(c, i)
			if want := class.Name + "/" + r.Name; err != nil || string(got) != want {
				t.Errorf("image %d,%d: have %q, %v; want %q", c, i, got, err, want)
			}
		}
	}
	for _, at := range [][2]int{{-1, 0}, {2, 0}, {0, -1}, {0, 1}} {
		if _, err := d.Bytes(at[0], at[1]); !errors.Is(err, ErrUnknown) {
			t.Errorf("Bytes(%d, %d): %v, want ErrUnknown", at[0], at[1], err)
		}
	}
	if n := d.NumImages(); n != 3 {
		t.Errorf("%d images, want 3", n)
	}
}

func TestSubset(t *testing.T) {
	d, err := fromPaths("a/1.png", "b/2.png", "c/3.png")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Subset([]string{"c", "a"})
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(s); got != "a[1.png] c[3.png]" {
		t.Errorf("have %s", got)
	}
	if data, err := s.Bytes(1, 0); err != nil || string(data) != "c/3.png" {
		t.Errorf("have %q, %v", data, err)
	}
	for _, test := range []struct {
		names []string
		err   error
	}{{nil, ErrNoClass}, {[]string{"a", "x"}, ErrUnknown}, {[]string{"a", "b", "a"}, ErrDuplicate}} {
		if _, err := d.Subset(test.names); !errors.Is(err, test.err) {
			t.Errorf("Subset(%q): %v, want %v", test.names, err, test.err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bytes(0, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("subset after Close: %v, want os.ErrClosed", err)
	}
}
