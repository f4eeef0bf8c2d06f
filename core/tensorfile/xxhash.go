package tensorfile

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH64.
const (
	xxPrime1 = 0x9E3779B185EBCA87
	xxPrime2 = 0xC2B2AE3D27D4EB4F
	xxPrime3 = 0x165667B19E3779F9
	xxPrime4 = 0x85EBCA77C2B2AE63
	xxPrime5 = 0x27D4EB2F165667C5
)

// xxhash64 is XXH64 with seed 0, the checksum of zstd frames
// (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
func xxhash64(data []byte) uint64 {
	n := uint64(len(data))
	hash := uint64(xxPrime5)
	if len(data) >= 32 {
		a, b, c, d := uint64(xxPrime1), uint64(xxPrime2), uint64(0), uint64(xxPrime1)
		a += xxPrime2 // wraps
		d = -d
		for ; len(data) >= 32; data = data[32:] {
			a = xxRound(a, binary.LittleEndian.Uint64(data))
			b = xxRound(b, binary.LittleEndian.Uint64(data[8:]))
			c = xxRound(c, binary.LittleEndian.Uint64(data[16:]))
			d = xxRound(d, binary.LittleEndian.Uint64(data[24:]))
		}
		hash = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		for _, lane := range [4]uint64{a, b, c, d} {
			hash = (hash^xxRound(0, lane))*xxPrime1 + xxPrime4
		}
	}
	hash += n
	for ; len(data) >= 8; data = data[8:] {
		hash = bits.RotateLeft64(hash^xxRound(0, binary.LittleEndian.Uint64(data)), 27)*xxPrime1 + xxPrime4
	}
	if len(data) >= 4 {
		hash = bits.RotateLeft64(hash^uint64(binary.LittleEndian.Uint32(data))*xxPrime1, 23)*xxPrime2 + xxPrime3
		data = data[4:]
	}
	for _, b := range data {
		hash = bits.RotateLeft64(hash^uint64(b)*xxPrime5, 11) * xxPrime1
	}
	hash = (hash ^ hash>>33) * xxPrime2
	hash = (hash ^ hash>>29) * xxPrime3
	return hash ^ hash>>32
}

func xxRound(lane, input uint64) uint64 {
	return bits.RotateLeft64(lane+input*xxPrime2, 31) * xxPrime1
}
