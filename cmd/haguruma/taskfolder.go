package main

import (
	"errors"
	"fmt"
	"time"

	"haguruma/adapt/store"
)

var (
	errNoTask    = errors.New("no task in this folder")
	errNoVersion = errors.New("no version is in use: the backbone alone tells no classes apart")
)

// now is the time as journals and adapters have it.
func now() string { return time.Now().UTC().Format(time.RFC3339) }

// readTask reads the state of the task in a folder, for looking only.
func readTask(folder store.Store, path string) (store.State, error) {
	state, err := store.Read(folder)
	return state, taskError(path, err)
}

// openTask opens the task in a folder for writing; the folder must be closed.
func openTask(path string) (*store.Folder, *store.Task, error) {
	if folder, err := store.OpenFolder(path); err != nil { // LockFolder would make it
		return nil, nil, taskError(path, err)
	} else if _, err := readTask(folder, path); err != nil {
		return nil, nil, err
	}
	folder, err := store.LockFolder(path)
	if err != nil {
		return nil, nil, err
	}
	task, err := store.Open(folder)
	if err != nil {
		folder.Close()
		return nil, nil, taskError(path, err)
	}
	return folder, task, nil
}

// taskError says which folder, and that it has no task.
func taskError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%s: %w", path, errNoTask)
	}
	return fmt.Errorf("%s: %w", path, err)
}
