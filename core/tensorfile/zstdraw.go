package tensorfile

import "encoding/binary"

// packRaw returns data as one zstd frame of raw blocks, with its content size
// and checksum: valid for every reader, and not smaller.
func packRaw(data []byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	out = append(out, 3<<6|1<<5|1<<2) // 8 bytes of content size, one segment, a checksum
	out = binary.LittleEndian.AppendUint64(out, uint64(len(data)))
	for rest := data; ; {
		n := min(len(rest), maxBlock)
		header := uint32(n)<<3 | blockRaw<<1
		if n == len(rest) {
			header |= 1 // the last
		}
		out = append(out, byte(header), byte(header>>8), byte(header>>16))
		out = append(out, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	return binary.LittleEndian.AppendUint32(out, uint32(xxhash64(data)))
}
