package tensorfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Load reads and decodes the file at path, plain or zstd by its content. The
// error names the file and wraps what Decode's wrap, or the operating
// system's.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path)
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
