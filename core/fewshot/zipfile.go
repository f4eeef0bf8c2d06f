//go:build !js

package fewshot

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
)

// maxDeflateRatio bounds what deflate can make of one byte: a match of 258 bytes costs at least two
// bits, so 1032 bytes come of one (RFC 1951 section 3.2.5).
const maxDeflateRatio = 1032

// archive is a source that reads the entries of a zip where they lie.
type archive struct {
	files  []*zip.File
	file   io.Closer // nil when the caller owns the reader
	closed atomic.Bool
}

// OpenZip opens a zip of <class>/<image> that lies in r, by the rules of [OpenDataset]. The reader
// must stay usable, also from several goroutines, as long as the set is; Close leaves it open.
func OpenZip(name string, r io.ReaderAt, size int64) (*Dataset, error) {
	return openZip(name, r, size, nil)
}

func openZip(name string, r io.ReaderAt, size int64, closer io.Closer) (*Dataset, error) {
	files, src, err := listZip(r, size, closer)
	if err != nil {
		return nil, fmt.Errorf("fewshot: %s: %w", name, err)
	}
	return newDataset(name, files, src)
}

// listZip lists what is in a zip but for litter, each entry checked.
func listZip(r io.ReaderAt, size int64, closer io.Closer) ([]file, *archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // checkEntry has the stricter rule
		if errors.Is(err, zip.ErrFormat) {
			return nil, nil, fmt.Errorf("not a zip, or one that was cut short: %w", ErrFormat)
		}
		return nil, nil, damaged(err)
	}
	files := make([]file, 0, len(z.File))
	for i, f := range z.File {
		path := strings.TrimSuffix(f.Name, "/")
		litter, err := checkEntry(f, path, size)
		if err != nil {
			return nil, nil, err
		}
		if !litter {
			files = append(files, file{path: path, size: int64(f.UncompressedSize64), entry: i, dir: path != f.Name})
		}
	}
	return files, &archive{files: z.File, file: closer}, nil
}

// checkEntry refuses what must not or cannot be read. A path is checked whether or not it is used;
// the contents only of images.
func checkEntry(f *zip.File, path string, size int64) (litter bool, err error) {
	if err := checkText(path); err != nil {
		return false, err
	}
	// "C:" is refused too: on some systems it starts an absolute path.
	if path == "" || strings.ContainsRune(path, '\\') || (len(path) > 1 && path[1] == ':') {
		return false, fmt.Errorf("entry %q: %w", f.Name, ErrPath)
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element == "." || element == ".." {
			return false, fmt.Errorf("entry %q: %w", f.Name, ErrPath)
		}
		litter = litter || isLitter(element)
	}
	if litter || path != f.Name || !isImage(path) {
		return litter, nil
	}
	packed, whole := f.CompressedSize64, f.UncompressedSize64
	switch {
	case f.Flags&1 != 0:
		return false, fmt.Errorf("entry %q: %w", f.Name, ErrEncrypted)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return false, fmt.Errorf("entry %q: want stored or deflated, have method %d: %w", f.Name, f.Method, ErrFormat)
	case whole > MaxImageBytes:
		return false, fmt.Errorf("entry %q: want at most %d bytes, have %d: %w", f.Name, MaxImageBytes, whole, ErrTooLarge)
	case packed > uint64(size):
		return false, fmt.Errorf("entry %q: want %d bytes, the file has %d: %w", f.Name, packed, size, ErrTruncated)
	case f.Method == zip.Store && packed != whole:
		return false, fmt.Errorf("entry %q: stored, want %d bytes, have %d: %w", f.Name, whole, packed, ErrFormat)
	case whole > packed*maxDeflateRatio:
		return false, fmt.Errorf("entry %q: %d bytes cannot come of %d: %w", f.Name, whole, packed, ErrTooLarge)
	}
	return false, nil
}

func (s *archive) read(entry int) ([]byte, error) {
	if s.closed.Load() {
		return nil, os.ErrClosed
	}
	f := s.files[entry]
	r, err := f.Open()
	if err != nil {
		return nil, damaged(err)
	}
	defer r.Close()
	// checkEntry has bounded the size by MaxImageBytes and by what the packed bytes can hold.
	data := make([]byte, f.UncompressedSize64)
	if n, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("want %d bytes, have %d: %w", len(data), n, damaged(err))
	}
	// The checksum is compared where the entry ends.
	switch n, err := r.Read(make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("want %d bytes, have more: %w", len(data), ErrFormat)
	case err != nil && err != io.EOF:
		return nil, damaged(err)
	}
	return data, nil
}

// damaged marks what archive/zip and compress/flate found wrong as ErrTruncated or ErrFormat; errors of
// the file system pass unchanged.
func damaged(err error) error {
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

func (s *archive) close() error {
	if s.closed.Swap(true) || s.file == nil {
		return nil
	}
	return s.file.Close()
}
