package tensorfile

import (
	"encoding/binary"
	"fmt"
)

// corrupt is an error of a compressed block: bytes no encoder writes.
func corrupt(what string) error { return fmt.Errorf("%s: %w", what, ErrFormat) }

// blockDecoder unpacks the blocks of frames, one after another, into out.
// Tables and offsets live from block to block of a frame.
type blockDecoder struct {
	out   []byte // allocated once, with room for all frames
	start int    // of the frame, in out
	end   int    // that the frame may not pass

	literals    []byte // of the block
	literalsBuf []byte
	huffman     huffmanTable
	hasHuffman  bool
	kinds       [3]sequenceTable // literal lengths, offsets, match lengths
	offsets     [3]int           // the latest, for repeats
}

const (
	kindLiteral = iota
	kindOffset
	kindMatch
)

// begin forgets the last frame and starts one that ends at or before end.
func (d *blockDecoder) begin(end int) {
	d.start, d.end = len(d.out), end
	d.hasHuffman = false
	for i := range d.kinds {
		d.kinds[i].ready = false
	}
	d.offsets = [3]int{1, 4, 8} // 3.1.2.5
}

// literal appends b.
func (d *blockDecoder) literal(b []byte) error {
	if len(b) > d.end-len(d.out) {
		return corrupt("more bytes than the frame holds")
	}
	d.out = append(d.out, b...)
	return nil
}

// repeat appends n bytes b.
func (d *blockDecoder) repeat(b byte, n int) error {
	if n > d.end-len(d.out) {
		return corrupt("more bytes than the frame holds")
	}
	at := len(d.out)
	d.out = d.out[:at+n]
	fill := d.out[at:]
	for i := range fill {
		fill[i] = b
	}
	return nil
}

// match appends n bytes from offset bytes back; the two may overlap.
func (d *blockDecoder) match(offset, n int) error {
	at := len(d.out)
	if offset > at-d.start {
		return corrupt("a match before the frame")
	}
	if n > d.end-at {
		return corrupt("more bytes than the frame holds")
	}
	d.out = d.out[:at+n]
	for done := 0; done < n; { // each turn doubles what may be copied at once
		done += copy(d.out[at+done:at+n], d.out[at-offset:at+done])
	}
	return nil
}

// compressed unpacks one compressed block (3.1.1.3).
func (d *blockDecoder) compressed(block []byte) error {
	first := len(d.out)
	rest, err := d.readLiterals(block)
	if err != nil {
		return err
	}
	if err := d.readSequences(rest); err != nil {
		return err
	}
	if len(d.out)-first > maxBlock {
		return corrupt("a block of more than 128 KiB")
	}
	return nil
}

// readLiterals reads the literals section (3.1.1.3.1) into d.literals and
// returns what follows it.
func (d *blockDecoder) readLiterals(block []byte) (rest []byte, err error) {
	if len(block) == 0 {
		return nil, corrupt("an empty compressed block")
	}
	kind, format := block[0]&3, block[0]>>2&3
	if kind < 2 { // raw, RLE
		headerBytes, shift := 1, 3
		switch format {
		case 1:
			headerBytes, shift = 2, 4
		case 3:
			headerBytes, shift = 3, 4
		}
		s := &forward{data: block}
		size := int(s.uint(headerBytes) >> shift)
		if size > maxBlock {
			return nil, corrupt("more literals than a block holds")
		}
		if kind == 0 {
			d.literals = s.bytes(size)
		} else {
			value := byte(s.uint(1))
			d.literals = d.room(size)
			for i := range d.literals {
				d.literals[i] = value
			}
		}
		if s.err != nil {
			return nil, corrupt("literals past the end of the block")
		}
		return block[s.at:], nil
	}
	headerBytes, sizeBits, streams := 3, 10, 4
	switch format {
	case 0:
		streams = 1
	case 2:
		headerBytes, sizeBits = 4, 14
	case 3:
		headerBytes, sizeBits = 5, 18
	}
	s := &forward{data: block}
	header := s.uint(headerBytes) >> 4
	size, packedSize := int(header&(1<<sizeBits-1)), int(header>>sizeBits)
	packed := s.bytes(packedSize)
	if s.err != nil || size > maxBlock {
		return nil, corrupt("literals past the end of the block")
	}
	if kind == 2 {
		used, err := d.huffman.read(packed)
		if err != nil {
			return nil, err
		}
		packed, d.hasHuffman = packed[used:], true
	}
	if !d.hasHuffman {
		return nil, corrupt("literals without a Huffman table")
	}
	d.literals = d.room(size)
	if streams == 1 {
		return block[s.at:], d.huffman.decode(d.literals, packed)
	}
	const jumpTable = 6
	quarter := (size + 3) / 4
	if len(packed) < jumpTable || 3*quarter > size {
		return nil, corrupt("literals too short for four streams")
	}
	to, streamsData := d.literals, packed[jumpTable:]
	for i := range 3 {
		n := int(binary.LittleEndian.Uint16(packed[2*i:]))
		if n > len(streamsData) {
			return nil, corrupt("a stream past the end of the literals")
		}
		if err := d.huffman.decode(to[:quarter], streamsData[:n]); err != nil {
			return nil, err
		}
		to, streamsData = to[quarter:], streamsData[n:]
	}
	return block[s.at:], d.huffman.decode(to, streamsData)
}

// room is n bytes of the buffer that blocks share.
func (d *blockDecoder) room(n int) []byte {
	if cap(d.literalsBuf) < n {
		d.literalsBuf = make([]byte, n)
	}
	return d.literalsBuf[:n]
}

// readSequences reads the sequences section (3.1.1.3.2) and carries it out:
// some literals, then a copy from before, again and again, then the literals
// that are left.
func (d *blockDecoder) readSequences(data []byte) error {
	s := &forward{data: data}
	count := int(s.uint(1))
	switch {
	case count == 255:
		count = int(s.uint(2)) + 0x7f00
	case count >= 128:
		count = (count-128)<<8 + int(s.uint(1))
	}
	if count > 0 {
		modes := s.uint(1)
		if s.err == nil && modes&3 != 0 {
			return corrupt("reserved bits of the sequences are set")
		}
		for kind := range d.kinds {
			if s.err != nil {
				break
			}
			used, err := d.kinds[kind].read(kind, byte(modes>>(6-2*kind)&3), data[s.at:])
			if err != nil {
				return err
			}
			s.at += used
		}
	}
	if s.err != nil {
		return corrupt("sequences past the end of the block")
	}
	if count == 0 {
		if s.at != len(data) {
			return corrupt("bytes after the last sequence")
		}
		return d.literal(d.literals)
	}
	in, err := newBackward(data[s.at:])
	if err != nil {
		return err
	}
	if err := d.run(in, count); err != nil {
		return err
	}
	if in.left != 0 {
		return corrupt("bits after the last sequence, or too few")
	}
	return d.literal(d.literals)
}

// run carries out count sequences (3.1.1.3.2.1 and 3.1.1.4).
func (d *blockDecoder) run(in *backward, count int) error {
	literal, offset, match := &d.kinds[kindLiteral], &d.kinds[kindOffset], &d.kinds[kindMatch]
	literalState := in.read(literal.log)
	offsetState := in.read(offset.log)
	matchState := in.read(match.log)
	for i := range count {
		l, o, m := literal.entries[literalState], offset.entries[offsetState], match.entries[matchState]
		offsetValue := 1<<o.symbol + int(in.read(o.symbol)) // symbol <= 31
		matchLength := int(matchCodes[m.symbol].base) + int(in.read(matchCodes[m.symbol].bits))
		literalLength := int(literalCodes[l.symbol].base) + int(in.read(literalCodes[l.symbol].bits))
		if i < count-1 {
			literalState = uint64(l.base) + in.read(l.bits)
			matchState = uint64(m.base) + in.read(m.bits)
			offsetState = uint64(o.base) + in.read(o.bits)
		}
		if in.left < 0 {
			return corrupt("sequences past the end of their bits")
		}
		if literalLength > len(d.literals) {
			return corrupt("more literals used than there are")
		}
		if err := d.literal(d.literals[:literalLength]); err != nil {
			return err
		}
		d.literals = d.literals[literalLength:]
		back := d.resolve(offsetValue, literalLength)
		if back < 1 {
			return corrupt("an offset of 0")
		}
		if err := d.match(back, matchLength); err != nil {
			return err
		}
	}
	return nil
}

// resolve turns an offset value into bytes back: above 3 it is the offset plus
// 3, else one of the latest three, which move up (3.1.2.5).
func (d *blockDecoder) resolve(value, literalLength int) int {
	latest := &d.offsets
	if value > 3 {
		*latest = [3]int{value - 3, latest[0], latest[1]}
		return latest[0]
	}
	if literalLength == 0 {
		value++
	}
	switch value {
	case 2:
		*latest = [3]int{latest[1], latest[0], latest[2]}
	case 3:
		*latest = [3]int{latest[2], latest[0], latest[1]}
	case 4:
		*latest = [3]int{latest[0] - 1, latest[0], latest[1]}
	}
	return latest[0]
}
