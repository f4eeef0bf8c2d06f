package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"haguruma/adapt/adapter"
	"haguruma/adapt/signature"
	"haguruma/adapt/store"
	"haguruma/core/tensorfile"
)

// adapterFlags say which adapter, and whom to trust.
type adapterFlags struct {
	path   string
	signed bool
	keys   []string
}

func (f *adapterFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.path, "adapter", "a", "", "adapter `FILE` that haguruma adapt wrote, or the folder of a task")
	flags.BoolVar(&f.signed, "signed", false, "take only an adapter that is signed")
	flags.StringArrayVar(&f.keys, "key", nil, "take only an adapter that this public `KEY` has signed: a PEM file, or 64 hexadecimal digits; may be repeated")
}

func (f *adapterFlags) check() error {
	if f.path == "" && (f.signed || f.keys != nil) {
		return usagef("--signed and --key go with --adapter")
	}
	return nil
}

// load reads the adapter and holds it to the flags.
func (f *adapterFlags) load() (*adapter.Adapter, error) {
	policy := adapter.Policy{Required: f.signed, Verify: signature.Verify}
	for _, text := range f.keys {
		data := []byte(text)
		if len(text) != 64 {
			var err error
			if data, err = tensorfile.ReadFile(text, maxText); err != nil {
				return nil, err
			}
		}
		key, err := signature.ReadPublic(data)
		if err != nil {
			return nil, fmt.Errorf("--key %s: %w", text, err)
		}
		policy.Keys = append(policy.Keys, key)
	}
	a, err := loadAdapter(f.path)
	if err != nil {
		return nil, err
	}
	if err := a.Trust(policy); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return a, nil
}

// loadAdapter reads an adapter's file, or the one that is in use in a task's folder.
func loadAdapter(path string) (*adapter.Adapter, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder, err := store.OpenFolder(path)
		if err != nil {
			return nil, err
		}
		state, err := readTask(folder, path)
		if err != nil {
			return nil, err
		}
		if state.Current == 0 {
			return nil, fmt.Errorf("%s: %w", path, errNoVersion)
		}
		a, _, err := versionOf(folder, path, state, state.Current)
		return a, err
	}
	data, err := tensorfile.ReadFile(path, adapter.MaxBytes)
	if err != nil {
		return nil, err
	}
	a, err := adapter.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// versionOf reads a version of a task; data is its file.
func versionOf(folder store.Store, path string, state store.State, number int) (a *adapter.Adapter, data []byte, err error) {
	if data, err = store.VersionFile(folder, state, number); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if a, err = adapter.Decode(data); err != nil {
		return nil, nil, fmt.Errorf("%s: version %d: %w", path, number, err)
	}
	return a, data, nil
}

// adapterInfo is what is said of an adapter, in JSON.
type adapterInfo struct {
	Content  string `json:"content"` // sha256 of what it says: its name in a journal
	Bundle   string `json:"bundle"`
	Experts  string `json:"experts,omitempty"`
	Head     string `json:"head"`
	Views    int    `json:"views,omitempty"` // of each example, that the head was fitted to
	Time     string `json:"time,omitempty"`
	Hits     int    `json:"hits"` // of leave-one-out
	Total    int    `json:"total"`
	SignedBy string `json:"signedBy,omitempty"` // public key
}

func describe(a *adapter.Adapter) adapterInfo {
	info := adapterInfo{
		Content: a.Content, Bundle: a.Bundle, Experts: a.Experts, Head: a.Head.Kind, Views: a.Provenance.Views, Time: a.Provenance.Time, Hits: a.Provenance.Hits, Total: a.Provenance.Total,
	}
	if a.Signature != nil {
		info.SignedBy = hex.EncodeToString(a.Signature.Key)
	}
	return info
}
