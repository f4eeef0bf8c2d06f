//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock or says ErrLocked. The system lets it go when the file is closed.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
