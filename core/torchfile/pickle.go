package torchfile

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/nlpodyssey/gopickle/pickle"

	"haguruma/core/tensorfile"
)

// Bounds on a pickle. A state dict of ViT-B with its optimiser is 0.2 MB of
// 40,000 instructions; an instruction makes at most some 200 bytes.
const (
	maxPickle       = 4 << 20
	maxInstructions = 1 << 19
)

// argument is what follows an instruction's byte: so many bytes, or a length
// of so many bytes and then that many, or lines of text.
type argument struct {
	fixed, length, lines int
}

// instructions are those of protocols 2 to 5 that Python writes. Those of
// protocols 0 and 1 that carry numbers as text, extensions and buffers outside
// of the pickle are not among them.
var instructions = map[byte]argument{
	'(': {}, '.': {}, '0': {}, '1': {}, '2': {}, 'N': {}, 'Q': {}, 'R': {}, 'a': {}, 'b': {}, 'e': {}, 's': {}, 't': {}, 'u': {},
	')': {}, ']': {}, '}': {},
	'J': {fixed: 4}, 'K': {fixed: 1}, 'M': {fixed: 2}, 'G': {fixed: 8},
	'h': {fixed: 1}, 'j': {fixed: 4}, 'q': {fixed: 1}, 'r': {fixed: 4},
	'T': {length: 4}, 'U': {length: 1}, 'X': {length: 4}, 'B': {length: 4}, 'C': {length: 1},
	'c':  {lines: 2},
	0x80: {fixed: 1},
	0x81: {}, 0x85: {}, 0x86: {}, 0x87: {}, 0x88: {}, 0x89: {},
	0x8a: {length: 1}, 0x8b: {length: 4},
	0x8c: {length: 1}, 0x8d: {length: 8}, 0x8e: {length: 8},
	0x8f: {}, 0x90: {}, 0x91: {}, 0x92: {}, 0x93: {}, 0x94: {},
	0x95: {fixed: 8}, // FRAME: its length is checked below, its content is instructions
}

// scan walks the instructions of the pickle at the start of data and returns
// its length. Whatever it accepts can be run without asking for more memory
// than the pickle has bytes to justify.
func scan(data []byte) (int, error) {
	at := 0
	for count := range maxInstructions {
		if at >= len(data) {
			return 0, fmt.Errorf("torchfile: pickle: no end in %d bytes, %d instructions: %w", len(data), count, tensorfile.ErrTruncated)
		}
		code := data[at]
		arg, known := instructions[code]
		if !known {
			return 0, fmt.Errorf("torchfile: pickle: byte %d: instruction %#02x is not one of a state dict: %w", at, code, tensorfile.ErrFormat)
		}
		at++
		rest := data[at:]
		need := uint64(arg.fixed + arg.length)
		if arg.length > 0 && len(rest) >= arg.length {
			var text [8]byte
			copy(text[:], rest[:arg.length])
			length := binary.LittleEndian.Uint64(text[:])
			if length > uint64(len(rest)) { // before it is added to anything
				return 0, fmt.Errorf("torchfile: pickle: byte %d: instruction %#02x wants %d bytes, have %d: %w", at-1, code, length, len(rest), tensorfile.ErrTruncated)
			}
			need += length
		}
		for range arg.lines {
			end := bytes.IndexByte(rest[need:], '\n')
			if end < 0 {
				return 0, fmt.Errorf("torchfile: pickle: byte %d: no end of a name: %w", at, tensorfile.ErrTruncated)
			}
			need += uint64(end) + 1
		}
		if need > uint64(len(rest)) {
			return 0, fmt.Errorf("torchfile: pickle: byte %d: instruction %#02x wants %d bytes, have %d: %w", at-1, code, need, len(rest), tensorfile.ErrTruncated)
		}
		if code == 0x95 && binary.LittleEndian.Uint64(rest) > uint64(len(rest)-8) {
			return 0, fmt.Errorf("torchfile: pickle: byte %d: frame of %d bytes, have %d: %w", at-1, binary.LittleEndian.Uint64(rest), len(rest)-8, tensorfile.ErrTruncated)
		}
		if code == 0x8a && rest[0] == 0 { // an integer of no bytes is 0, which the library does not know
			return 0, fmt.Errorf("torchfile: pickle: byte %d: integer without bytes: %w", at-1, tensorfile.ErrFormat)
		}
		at += int(need)
		if code == '.' {
			return at, nil
		}
	}
	return 0, fmt.Errorf("torchfile: pickle: want at most %d instructions: %w", maxInstructions, tensorfile.ErrTooLarge)
}

// unpickle runs a pickle that scan has accepted. load gives what a persistent
// id stands for.
func unpickle(data []byte, load func(id any) (any, error)) (value any, err error) {
	// The library panics where a dictionary's key cannot be one, and the like.
	defer func() {
		if cause := recover(); cause != nil {
			value, err = nil, fmt.Errorf("torchfile: pickle: %s: %w", clip(fmt.Sprint(cause)), tensorfile.ErrFormat)
		}
	}()
	u := pickle.NewUnpickler(bytes.NewReader(data))
	u.FindClass = findClass
	u.PersistentLoad = load
	value, err = u.Load()
	if err != nil {
		return nil, fmt.Errorf("torchfile: pickle: %s: %w", clip(err.Error()), tensorfile.ErrFormat)
	}
	return value, nil
}

// clip shortens a text that a file has a part in.
func clip(text string) string {
	const most = 160
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
