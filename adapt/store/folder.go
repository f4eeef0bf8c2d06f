package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"haguruma/core/tensorfile"
)

// maxFile is the largest file that is read: a journal of half a million entries.
const maxFile = 256 << 20

const (
	lockName = ".lock"
	tmpEnd   = ".tmp" // of what tensorfile.WriteFile writes beside, until it is whole
)

// Folder is a store on disk, one file each. Who writes holds a lock, which ends with the program, however it ends.
type Folder struct {
	root string
	lock *os.File // nil: for reading
}

// OpenFolder opens a folder that is there for reading only; it may change meanwhile.
func OpenFolder(root string) (*Folder, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, wrap(err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("store: %s: want a folder: %w", root, ErrNotFound)
	}
	return &Folder{root: root}, nil
}

// LockFolder opens a folder for writing, makes it where it is missing, and removes what a crash left half written. ErrLocked: another program
// has it. Close lets it go.
func LockFolder(root string) (*Folder, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, wrap(err)
	}
	lock, err := os.OpenFile(filepath.Join(root, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, wrap(err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("store: %s: %w", root, err)
	}
	f := &Folder{root, lock}
	err = f.walk(func(name string) {
		if strings.HasSuffix(name, tmpEnd) {
			os.Remove(f.path(name))
		}
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Leftover reports whether a file at the top of a folder is one that LockFolder, or a Create that did not come to its end, leaves there.
func Leftover(name string) bool {
	return name == lockName || strings.HasPrefix(name, taskName) && strings.HasSuffix(name, tmpEnd)
}

// Close lets the lock go. The store is of no more use.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

func (f *Folder) path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

// writable is what every change asks first.
func (f *Folder) writable(name string) error {
	if f.lock == nil {
		return fmt.Errorf("store: %s: opened for reading: %w", f.path(name), ErrDenied)
	}
	return checkName(name)
}

func (f *Folder) Get(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	data, err := tensorfile.ReadFile(f.path(name), maxFile)
	return data, wrap(err)
}

func (f *Folder) Put(name string, data []byte) error {
	if err := f.writable(name); err != nil {
		return err
	}
	path := f.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return wrap(err)
	}
	if err := tensorfile.WriteFile(path, data); err != nil {
		return wrap(err)
	}
	syncFolder(filepath.Dir(path))
	return nil
}

func (f *Folder) Append(name string, data []byte) (err error) {
	if err := f.writable(name); err != nil {
		return err
	}
	path := f.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return wrap(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return wrap(err)
	}
	info, err := file.Stat()
	if err == nil {
		if _, err = file.Write(data); err == nil {
			err = file.Sync()
		}
		if err != nil {
			file.Truncate(info.Size()) // as far as it can: what stays is a torn line
		}
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil && info.Size() == 0 {
		syncFolder(filepath.Dir(path))
	}
	return wrap(err)
}

func (f *Folder) Delete(name string) error {
	if err := f.writable(name); err != nil {
		return err
	}
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap(err)
	}
	return nil
}

func (f *Folder) List(prefix string) (names []string, err error) {
	err = f.walk(func(name string) {
		if strings.HasPrefix(name, prefix) && !strings.HasSuffix(name, tmpEnd) && checkName(name) == nil {
			names = append(names, name)
		}
	})
	slices.Sort(names) // a walk has a/b behind a.b
	return names, err
}

// walk visits every regular file by its name.
func (f *Folder) walk(visit func(name string)) error {
	err := filepath.WalkDir(f.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(f.root, path)
		if err == nil {
			visit(filepath.ToSlash(name))
		}
		return err
	})
	return wrap(err)
}

// syncFolder keeps the names in a folder, where the system can: without it, a crash may take back a file that has just come.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		folder.Sync()
		folder.Close()
	}
}

// wrap adds our reason to one of the operating system.
func wrap(err error) error {
	for _, r := range []struct{ theirs, ours error }{
		{fs.ErrNotExist, ErrNotFound}, {syscall.ENOSPC, ErrFull}, {syscall.EDQUOT, ErrFull}, {fs.ErrPermission, ErrDenied}, {syscall.EROFS, ErrDenied},
	} {
		if err != nil && errors.Is(err, r.theirs) {
			return fmt.Errorf("store: %w: %w", err, r.ours)
		}
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
