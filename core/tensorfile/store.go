package tensorfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// MaxFile is the largest file that Load reads: above the 1.2 GB of a ViT-L in
// float32, and far below what fills a machine when it is no model at all.
const MaxFile = 2 << 30

// ReadFile returns the bytes of a regular file. The error names the file and
// wraps ErrTooLarge (more than limit bytes), ErrFormat (a folder, a pipe, a
// device: their end may never come) or the operating system's.
func ReadFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before Open, which waits for a pipe's other end
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: want a file, have a folder: %w", path, ErrFormat)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: want a regular file, have a device or a pipe: %w", path, ErrFormat)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s: want at most %d bytes, have %d: %w", path, limit, info.Size(), ErrTooLarge)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, info.Size())
	if n, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("%s: want %d bytes, have %d: %w", path, len(data), n, ErrTruncated)
	}
	return data, nil
}

// Load reads and decodes the file at path, plain or zstd by its content. The
// error names the file and wraps what ReadFile's and Decode's wrap.
func Load(path string) (*File, error) {
	data, err := ReadFile(path, MaxFile)
	if err != nil {
		return nil, fmt.Errorf("tensorfile: %w", err)
	}
	f, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Save writes f to path, in a zstd frame when path ends in .zst. The bytes go
// to a file beside it, which then takes its name: a reader, or a crash, sees
// the old file or the new one, never a part.
func Save(path string, f *File) error {
	encode := Encode
	if strings.HasSuffix(path, ".zst") {
		encode = EncodeZstd
	}
	data, err := encode(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteFile(path, data)
}

// WriteFile writes data to path as Save does.
func WriteFile(path string, data []byte) error {
	if err := writeBeside(path, data); err != nil {
		return fmt.Errorf("tensorfile: %w", err)
	}
	return nil
}

func writeBeside(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644) // CreateTemp's 0600 would hide it from a server
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
