package tensorfile

import (
	"encoding/binary"
	"math/bits"
)

// backward reads bits from the end of data to its front, as zstd's entropy
// streams are read (RFC 8878, 4.1). Before the front it reads zeros, and left
// goes below 0.
type backward struct {
	data []byte
	left int // bits not yet read
}

// newBackward skips the padding: zeros and a one at the top of the last byte.
func newBackward(data []byte) (*backward, error) {
	if len(data) == 0 || data[len(data)-1] == 0 {
		return nil, corrupt("an entropy stream without its end mark")
	}
	return &backward{data: data, left: 8*len(data) - 1 - bits.LeadingZeros8(data[len(data)-1])}, nil
}

// word returns the next 57 bits or more, at the top.
func (b *backward) word() uint64 {
	if b.left <= 0 {
		return 0
	}
	end := uint(b.left+7) >> 3
	gap := end*8 - uint(b.left)
	if end >= 8 {
		return binary.LittleEndian.Uint64(b.data[end-8:end]) << gap
	}
	var w uint64
	for i, v := range b.data[:end] {
		w |= uint64(v) << (8 * (uint(i) + 8 - end))
	}
	return w << gap
}

// read returns the next n <= 57 bits.
func (b *backward) read(n uint8) uint64 {
	v := b.word() >> (64 - n) // 0 for n = 0
	b.left -= int(n)
	return v
}

// fseEntry is one state of a finite state entropy table (4.1.1): what it
// stands for, and the next state, base plus so many bits.
type fseEntry struct {
	symbol, bits uint8
	base         uint16
}

// maxFSELog is the largest of the format's limits (literal and match lengths).
const maxFSELog = 9

// fseTable has 1 << log states.
type fseTable struct {
	log     uint8
	entries [1 << maxFSELog]fseEntry
}

// read reads a table's description (4.1.1) with at most 1 << maxLog states and
// the symbols 0 .. maxSymbol, and returns the bytes it takes.
func (t *fseTable) read(data []byte, maxLog uint8, maxSymbol int) (used int, err error) {
	at := 0 // in bits
	take := func(n int) int {
		v := 0
		for i := range n { // short, and once a block
			if byteAt := (at + i) >> 3; byteAt < len(data) {
				v |= int(data[byteAt]>>((at+i)&7)&1) << i
			}
		}
		at += n
		return v
	}
	log := uint8(take(4)) + 5
	if log > maxLog {
		return 0, corrupt("an entropy table too large")
	}
	var norm [256]int16
	n := 0
	for remaining := 1 << log; remaining > 0; {
		if n > maxSymbol || at > 8*len(data) {
			return 0, corrupt("an entropy table of too many symbols")
		}
		// Values up to remaining+1; the lowest ones take a bit less.
		width := bits.Len(uint(remaining + 1))
		value, low := take(width), 1<<(width-1)-1
		short := 1<<width - 1 - (remaining + 1)
		if value&low < short {
			at--
			value &= low
		} else if value > low {
			value -= short
		}
		probability := value - 1 // -1: less than one state's worth, has one
		norm[n] = int16(probability)
		n++
		remaining -= max(probability, -probability)
		for repeat := 3; probability == 0 && repeat == 3; {
			repeat = take(2)
			if n += repeat; n > maxSymbol+1 || at > 8*len(data) {
				return 0, corrupt("an entropy table of too many symbols")
			}
		}
	}
	if used = (at + 7) >> 3; used > len(data) {
		return 0, corrupt("an entropy table past the end of the block")
	}
	return used, t.build(norm[:n], log)
}

// build spreads the symbols over the states by their probabilities.
func (t *fseTable) build(norm []int16, log uint8) error {
	t.log = log
	size := 1 << log
	var next [256]uint16 // per symbol
	high := size
	for symbol, p := range norm {
		if p == -1 {
			high--
			t.entries[high].symbol = uint8(symbol)
			next[symbol] = 1
		}
	}
	at, step := 0, size>>1+size>>3+3
	for symbol, p := range norm {
		if p <= 0 {
			continue
		}
		next[symbol] = uint16(p)
		for range p {
			t.entries[at].symbol = uint8(symbol)
			for at = (at + step) & (size - 1); at >= high; {
				at = (at + step) & (size - 1)
			}
		}
	}
	if at != 0 {
		return corrupt("an entropy table that does not close")
	}
	for i := range size {
		e := &t.entries[i]
		state := next[e.symbol]
		next[e.symbol]++
		e.bits = log + 1 - uint8(bits.Len16(state))
		e.base = state<<e.bits - uint16(size)
	}
	return nil
}

// sequenceTable decodes one of a sequence's three codes.
type sequenceTable struct {
	fseTable
	ready bool // has been read, for a later block to repeat
}

// read takes the table as the mode says (3.1.1.3.2.1): predefined, one symbol,
// described, or that of the block before.
func (t *sequenceTable) read(kind int, mode byte, data []byte) (used int, err error) {
	limit := &sequenceKinds[kind]
	switch mode {
	case 0:
		err = t.build(limit.norm, limit.normLog)
	case 1:
		if len(data) == 0 || int(data[0]) > limit.maxSymbol {
			return 0, corrupt("a code out of range")
		}
		t.log, t.entries[0], used = 0, fseEntry{symbol: data[0]}, 1
	case 2:
		used, err = t.fseTable.read(data, limit.maxLog, limit.maxSymbol)
	case 3:
		if !t.ready {
			return 0, corrupt("a repeated table without a table before")
		}
	}
	t.ready = err == nil
	return used, err
}

// sequenceKinds are the limits and the predefined tables of literal lengths,
// offsets and match lengths (3.1.1.3.2.1.1 and 3.1.1.3.2.2).
var sequenceKinds = [3]struct {
	maxLog    uint8
	maxSymbol int
	normLog   uint8
	norm      []int16
}{
	{9, 35, 6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
	{8, 31, 5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
	{9, 52, 6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}},
}

// lengthCode stands for base plus so many bits (tables 16 and 17).
type lengthCode struct {
	base uint32
	bits uint8
}

var (
	literalCodes = lengthCodes(0, 16, []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	matchCodes   = lengthCodes(3, 32, []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
)

// lengthCodes: the first so many codes stand for base, base+1, ..., and each
// code after them for as many values as its bits have.
func lengthCodes(base uint32, single int, extra []uint8) []lengthCode {
	codes := make([]lengthCode, single+len(extra))
	for i := range codes {
		codes[i].base = base
		if i >= single {
			codes[i].bits = extra[i-single]
		}
		base += 1 << codes[i].bits
	}
	return codes
}

// maxHuffmanLog bounds the length of a code (4.2.1).
const maxHuffmanLog = 11

// huffmanTable has 1 << log entries, one for each way the next bits may be:
// the symbol, and in the upper byte the length of its code.
type huffmanTable struct {
	log     uint8
	entries [1 << maxHuffmanLog]uint16
}

// read reads a tree's description (4.2.1) and returns the bytes it takes.
func (t *huffmanTable) read(data []byte) (used int, err error) {
	if len(data) == 0 {
		return 0, corrupt("a Huffman tree of no bytes")
	}
	var weights [256]uint8
	n, head := 0, int(data[0])
	if head >= 128 { // 4 bits a weight
		n, used = head-127, 1+(head-126)/2
		if used > len(data) {
			return 0, corrupt("a Huffman tree past the end of the block")
		}
		for i := range n {
			weights[i] = data[1+i/2] >> (4 - i%2*4) & 15
		}
	} else {
		used = 1 + head
		if used > len(data) {
			return 0, corrupt("a Huffman tree past the end of the block")
		}
		if n, err = readWeights(&weights, data[1:used]); err != nil {
			return 0, err
		}
	}
	// The last weight is what fills the tree.
	total := 0
	for _, w := range weights[:n] {
		if w > maxHuffmanLog {
			return 0, corrupt("a Huffman code too long")
		}
		total += 1 << w >> 1
	}
	t.log = uint8(bits.Len(uint(total)))
	left := 1<<t.log - total
	if total == 0 || t.log > maxHuffmanLog || left&(left-1) != 0 {
		return 0, corrupt("a Huffman tree that does not close")
	}
	weights[n] = uint8(bits.Len(uint(left)))
	n++
	at := 0 // codes go from the longest to the shortest, by symbol in each length
	for w := uint8(1); w <= t.log; w++ {
		for symbol, weight := range weights[:n] {
			if weight != w {
				continue
			}
			entry := uint16(symbol) | uint16(t.log+1-w)<<8
			for end := at + 1<<(w-1); at < end; at++ {
				t.entries[at] = entry
			}
		}
	}
	return used, nil
}

// readWeights reads weights that are themselves packed (4.2.1.2): two states
// take turns until the bits run out. There are at most 255.
func readWeights(weights *[256]uint8, data []byte) (n int, err error) {
	var t fseTable
	used, err := t.read(data, 6, 255)
	if err != nil {
		return 0, err
	}
	in, err := newBackward(data[used:])
	if err != nil {
		return 0, err
	}
	state, other := in.read(t.log), in.read(t.log)
	if in.left < 0 {
		return 0, corrupt("a Huffman tree past its bits")
	}
	for n < 254 {
		e := t.entries[state]
		weights[n] = e.symbol
		n++
		if in.left < int(e.bits) {
			weights[n] = t.entries[other].symbol
			return n + 1, nil
		}
		state, other = other, uint64(e.base)+in.read(e.bits)
	}
	return 0, corrupt("a Huffman tree of too many symbols")
}

// decode fills to from one stream, which must hold that and no more (4.2.2).
func (t *huffmanTable) decode(to, stream []byte) error {
	in, err := newBackward(stream)
	if err != nil {
		return err
	}
	shift := 64 - t.log
	const batch = 5 // codes of 11 bits in a word of 57
	for len(to) >= batch && in.left > 0 {
		word, used := in.word(), 0
		for i := range batch {
			e := t.entries[word>>shift&(1<<maxHuffmanLog-1)]
			to[i] = byte(e)
			word <<= e >> 8
			used += int(e >> 8)
		}
		in.left -= used
		to = to[batch:]
	}
	for i := range to {
		e := t.entries[in.word()>>shift&(1<<maxHuffmanLog-1)]
		to[i] = byte(e)
		in.left -= int(e >> 8)
	}
	if in.left != 0 {
		return corrupt("literals that end before or after their bits")
	}
	return nil
}
