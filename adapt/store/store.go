package store

import (
	"errors"
	"fmt"
	"strings"
)

// Why a store or a task in it says no. The errors of [Folder] wrap those of the operating system too.
var (
	ErrNotFound = errors.New("not there")
	ErrFull     = errors.New("the storage is full")
	ErrDenied   = errors.New("the storage may not be used")
	ErrLocked   = errors.New("in use by another program")
	ErrName     = errors.New("not a name for a stored file")
	ErrDamaged  = errors.New("damaged")               // what is stored is not what was stored
	ErrState    = errors.New("not a state of a task") // Commit
)

// Store is a set of files under names: one to three words of letters, digits, dots, hyphens and underscores, with slashes between. One
// goroutine uses it. Errors wrap the ones above; after an error of Put or Delete the file is as it was or as it was to be.
type Store interface {
	// Get returns the content, which is the caller's. ErrNotFound: there is no such file.
	Get(name string) ([]byte, error)
	// Put replaces the content as a whole and keeps it: when it returns nil, no crash takes it back.
	Put(name string, data []byte) error
	// Append adds to the end of a file, made when it is missing, and keeps that. After an error or a crash, some first bytes of data may be there.
	Append(name string, data []byte) error
	// Delete removes a file; one that is not there is no error.
	Delete(name string) error
	// List returns the names that begin with prefix, sorted.
	List(prefix string) ([]string, error)
}

// checkName is what every store holds names to, so that they mean the same everywhere. The error wraps ErrName.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	good := len(parts) <= 3 && len(name) <= 200
	for _, part := range parts {
		good = good && part != "" && part[0] != '.' &&
			strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
	}
	if !good {
		return fmt.Errorf("store: %q: %w", name, ErrName)
	}
	return nil
}
