package fewshot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxImageBytes is the largest image file that [Dataset.Bytes] reads.
const MaxImageBytes = 64 << 20

// Ref is one image of a class. Its bytes stay on disk until [Dataset.Bytes] asks for them.
type Ref struct {
	Name string // file name inside the class folder
	Size int64  // bytes of the file, uncompressed; -1 when not known before reading

	entry int // index into the source's own list
}

// Class is one class folder: its name and its images in byte order of their names.
type Class struct {
	Name   string
	Images []Ref
}

// Dataset is a set of classes, in byte order of their names, so that class and image indices mean
// the same thing on every machine. It is read-only after OpenDataset and safe for concurrent use.
type Dataset struct {
	Name    string
	Classes []Class
	// Skipped counts the files that were passed over: not an image by their suffix, or not directly
	// inside a class folder. Hidden files and the litter of operating systems are not counted.
	Skipped int

	source source
}

// source is where the bytes of a Dataset lie; read and close are safe for concurrent use.
type source interface {
	read(entry int) ([]byte, error)
	close() error
}

// file is one file found in a source: its slash-separated path below the root.
type file struct {
	path  string
	size  int64
	entry int
	dir   bool
}

// newDataset sorts the files of a source into classes, by the rules of OpenDataset.
func newDataset(name string, files []file, src source) (*Dataset, error) {
	root := wrapper(files)
	d := &Dataset{Name: name, source: src}
	classes := make(map[string][]Ref)
	for _, f := range files {
		rest, ok := strings.CutPrefix(f.path, root)
		if !ok || rest == "" {
			if !f.dir {
				d.Skipped++
			}
			continue
		}
		class, image, nested := strings.Cut(rest, "/")
		if nested || f.dir {
			if _, seen := classes[class]; !seen {
				classes[class] = nil
			}
		}
		switch {
		case f.dir:
		case !nested, strings.Contains(image, "/"), !isImage(image):
			d.Skipped++
		default:
			classes[class] = append(classes[class], Ref{Name: image, Size: f.size, entry: f.entry})
		}
	}
	for class, images := range classes {
		if len(images) == 0 {
			return nil, fmt.Errorf("fewshot: %s: class %q: no image directly inside: %w", name, class, ErrEmptyClass)
		}
		slices.SortFunc(images, func(a, b Ref) int { return cmp.Compare(a.Name, b.Name) })
		for i := 1; i < len(images); i++ {
			if images[i].Name == images[i-1].Name {
				return nil, fmt.Errorf("fewshot: %s: %s/%s: %w", name, class, images[i].Name, ErrDuplicate)
			}
		}
		d.Classes = append(d.Classes, Class{Name: class, Images: images})
	}
	if len(d.Classes) == 0 {
		return nil, fmt.Errorf("fewshot: %s: want <class>/<image>: %w", name, ErrNoClass)
	}
	slices.SortFunc(d.Classes, func(a, b Class) int { return cmp.Compare(a.Name, b.Name) })
	return d, nil
}

// wrapper returns the prefix "folder/" when all images lie two or more folders deep below that one
// folder, else "".
func wrapper(files []file) string {
	prefix := ""
	for _, f := range files {
		if f.dir || !isImage(f.path) {
			continue
		}
		top, rest, _ := strings.Cut(f.path, "/")
		if !strings.Contains(rest, "/") || (prefix != "" && prefix != top+"/") {
			return ""
		}
		prefix = top + "/"
	}
	return prefix
}

// isImage tells by the suffix whether a path is one of the formats core/picture decodes.
func isImage(path string) bool {
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(path[dot:]) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp":
		return true
	}
	return false
}

// isLitter tells whether one element of a path is hidden or left behind by an operating system.
func isLitter(element string) bool {
	return strings.HasPrefix(element, ".") || element == "__MACOSX" ||
		strings.EqualFold(element, "thumbs.db") || strings.EqualFold(element, "desktop.ini")
}

// checkText refuses names that could not be shown or stored as text.
func checkText(path string) error {
	if !utf8.ValidString(path) || strings.ContainsRune(path, 0) {
		return fmt.Errorf("name %q: %w", path, ErrPath)
	}
	return nil
}

// NumImages returns the number of images over all classes.
func (d *Dataset) NumImages() int {
	n := 0
	for _, c := range d.Classes {
		n += len(c.Images)
	}
	return n
}

// Bytes reads the file of one image, by its class and image index. The slice is the caller's.
//
// Errors name the class and the image: ErrUnknown for an index out of range, ErrTooLarge,
// ErrTruncated, ErrFormat (a zip entry whose bytes do not match their checksum), or those of the
// file system (after Close: os.ErrClosed).
func (d *Dataset) Bytes(class, image int) ([]byte, error) {
	if class < 0 || class >= len(d.Classes) {
		return nil, fmt.Errorf("fewshot: %s: class %d of %d: %w", d.Name, class, len(d.Classes), ErrUnknown)
	}
	c := &d.Classes[class]
	if image < 0 || image >= len(c.Images) {
		return nil, fmt.Errorf("fewshot: %s: class %q: image %d of %d: %w", d.Name, c.Name, image, len(c.Images), ErrUnknown)
	}
	data, err := d.source.read(c.Images[image].entry)
	if err != nil {
		return nil, fmt.Errorf("fewshot: %s: %s/%s: %w", d.Name, c.Name, c.Images[image].Name, err)
	}
	return data, nil
}

// Subset returns the classes of the given names as a Dataset of their own, in byte order of the
// names whatever the order asked for. It shares the open file with d.
//
// Errors: ErrUnknown, ErrDuplicate, ErrNoClass when classNames is empty.
func (d *Dataset) Subset(classNames []string) (*Dataset, error) {
	if len(classNames) == 0 {
		return nil, fmt.Errorf("fewshot: %s: subset of no class: %w", d.Name, ErrNoClass)
	}
	names := slices.Sorted(slices.Values(classNames))
	s := &Dataset{Name: d.Name, Classes: make([]Class, 0, len(names)), source: d.source}
	for i, name := range names {
		if i > 0 && name == names[i-1] {
			return nil, fmt.Errorf("fewshot: %s: class %q: %w", d.Name, name, ErrDuplicate)
		}
		at, ok := slices.BinarySearchFunc(d.Classes, name, func(c Class, name string) int { return cmp.Compare(c.Name, name) })
		if !ok {
			return nil, fmt.Errorf("fewshot: %s: class %q: %w", d.Name, name, ErrUnknown)
		}
		s.Classes = append(s.Classes, d.Classes[at])
	}
	return s, nil
}

// Close closes the file behind the set and all its subsets; calling it again does nothing.
func (d *Dataset) Close() error { return d.source.close() }
