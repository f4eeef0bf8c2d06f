package journal

import (
	"bytes"
	"errors"
	"fmt"

	"haguruma/core/tensorfile"
)

// Why a journal is not as it was written. Every *[Error] wraps one.
var (
	ErrFormat  = errors.New("not a line that haguruma writes")
	ErrChanged = errors.New("changed after it was written")
	ErrOrder   = errors.New("lines were taken out, put in or moved")
	ErrCut     = errors.New("the end is not the one that was kept")
)

// Error says which line is not as it was written.
type Error struct {
	Line   int // from 1
	Detail string
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Detail, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Journal is what [Read] made of the bytes.
type Journal struct {
	Entries []Entry
	Hashes  []string // sha256 of each line
	Torn    []byte   // what stands behind the last line feed: a line that a crash has torn; nil: nothing
}

// Chain is the end of the journal.
func (j *Journal) Chain() Chain {
	if len(j.Hashes) == 0 {
		return Chain{}
	}
	return Chain{len(j.Hashes), j.Hashes[len(j.Hashes)-1]}
}

// Find returns the number of the entry whose line has the hash; 0: there is none.
func (j *Journal) Find(hash string) int {
	for i, h := range j.Hashes {
		if h == hash {
			return i + 1
		}
	}
	return 0
}

// Read reads a journal and holds every line to its place in the chain, and the journal to an end that was kept elsewhere; the zero Chain
// when none was. It may have gone on since. On error, a *[Error], it returns the entries before the line that is named too: they
// are sound among themselves. The memory it takes is in proportion to data.
func Read(data []byte, kept Chain) (*Journal, error) {
	j := &Journal{}
	before := none
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			j.Torn = data
			break
		}
		line, rest := data[:end], data[end+1:]
		number := len(j.Entries) + 1
		entry, chained, err := parse(string(line))
		if err != nil {
			return j, &Error{number, err.Error(), ErrFormat}
		}
		hash := tensorfile.Hash(line)
		switch {
		case entry.Number != number:
			return j, &Error{number, fmt.Sprintf("want entry %d, have entry %d", number, entry.Number), ErrOrder}
		case chained != before && (number == 1 || !vouches(rest, hash, kept, number)):
			return j, &Error{number, "it does not go on from the line before", ErrChanged}
		case chained != before:
			// This line is the one that the next was written behind, so it is the line before that is another.
			j.cut(number - 2)
			return j, &Error{number - 1, "the line behind it was written behind another", ErrChanged}
		}
		j.Entries, j.Hashes = append(j.Entries, entry), append(j.Hashes, hash)
		before, data = hash, rest
	}
	if _, err := j.Holds(kept); err != nil {
		j.cut(min(len(j.Hashes), max(kept.Entries-1, 0)))
		return j, err
	}
	return j, nil
}

// cut keeps the first n entries.
func (j *Journal) cut(n int) { j.Entries, j.Hashes = j.Entries[:n], j.Hashes[:n] }

// vouches reports whether what follows knows a line by its hash: the first line of rest, or the end that was kept when there is none. It is
// true when nothing follows.
func vouches(rest []byte, hash string, kept Chain, number int) bool {
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		return kept.Entries != number || kept.Head == hash
	}
	_, before, err := parse(string(rest[:end]))
	return err == nil && before == hash
}

// Holds says whether the journal still ends at, or goes on behind, a head that was kept elsewhere: behind is the number of entries since. The
// error is a *[Error] of the first line that cannot be vouched for, and wraps ErrCut.
func (j *Journal) Holds(kept Chain) (behind int, err error) {
	if kept.Entries == 0 && kept.Head == "" {
		return len(j.Hashes), nil
	}
	n := len(j.Hashes)
	switch {
	case kept.Entries < 1:
		return 0, &Error{1, fmt.Sprintf("the head that was kept is of no entry: number %d", kept.Entries), ErrCut}
	case kept.Entries > n:
		return 0, &Error{n + 1, fmt.Sprintf("want %d entries, have %d", kept.Entries, n), ErrCut}
	case j.Hashes[kept.Entries-1] != kept.Head:
		return 0, &Error{kept.Entries, "it has another hash than the one that was kept", ErrCut}
	}
	return n - kept.Entries, nil
}
