package tensorfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// zeros is a file of one U8 tensor of n zeros: the best a compressor can get.
func zeros(t testing.TB, n int) *File {
	t.Helper()
	return &File{Tensors: []Tensor{{Name: "z", DType: U8, Shape: []int{n}, Data: make([]byte, n)}}}
}

func TestZstdLimit(t *testing.T) {
	f := zeros(t, 1<<20)
	plain, err := Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := EncodeZstd(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeLimit(packed, len(plain)); err != nil {
		t.Errorf("want it read at its size, have %v", err)
	}
	if _, err := DecodeLimit(packed, len(plain)-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("want %v, have %v", ErrTooLarge, err)
	}
}

// TestZstdFrames: a stream without content size, several frames and a
// skippable one are all files that other tools write.
func TestZstdFrames(t *testing.T) {
	f := zeros(t, 300_000)
	plain, err := Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	w, err := zstd.NewWriter(&stream, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<15))
	if err != nil {
		t.Fatal(err)
	}
	for rest := plain; len(rest) > 0; { // small writes: no content size in the header
		n := min(len(rest), 40_000)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	frames := w.EncodeAll(plain[:1000], nil)
	frames = append(frames, 0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)
	frames = w.EncodeAll(plain[1000:], frames)
	for name, data := range map[string][]byte{"stream": stream.Bytes(), "frames": frames} {
		have, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if z, ok := have.Tensor("z"); !ok || !bytes.Equal(z.Data, f.Tensors[0].Data) {
			t.Errorf("%s: want 300,000 zeros, have %d bytes", name, len(z.Data))
		}
	}
	if _, err := Decode(append(frames, "tail"...)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "trailing bytes") {
		t.Errorf("want %v for trailing bytes, have %v", ErrFormat, err)
	}
}

// bomb is a frame whose header claims size bytes and whose blocks are what
// follows.
func bomb(size uint64, blocks ...byte) []byte {
	data := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	data = append(data, 3<<6|1<<5) // 8 bytes of content size, one segment, no checksum
	data = binary.LittleEndian.AppendUint64(data, size)
	return append(data, blocks...)
}

// rle is a block of n zeros in 4 bytes.
func rle(n uint32, last bool) []byte {
	header := n<<3 | 1<<1
	if last {
		header |= 1
	}
	return []byte{byte(header), byte(header >> 8), byte(header >> 16), 0}
}

// TestZstdBombs: what a frame claims costs nothing until its blocks bear it
// out, and what the blocks can hold is bounded by their number.
func TestZstdBombs(t *testing.T) {
	var many []byte
	for range 250 { // 1 KB that holds 31 MiB
		many = append(many, rle(maxBlock, false)...)
	}
	many = append(many, rle(1, true)...)
	raw := []byte{1<<3 | 1, 0, 0, 0} // the last block, 1 raw byte
	for _, c := range []struct {
		name  string
		data  []byte
		limit int
		want  error
		bytes uint64 // the most it may allocate
	}{
		{"claims 2 GiB, holds 1 byte", bomb(2<<30, raw...), MaxDecoded, ErrFormat, 1 << 16},
		{"claims 2^63", bomb(1<<63, raw...), MaxDecoded, ErrFormat, 1 << 16},
		{"holds 31 MiB, limit 1 MiB", bomb(250*maxBlock+1, many...), 1 << 20, ErrTooLarge, 1 << 16},
		{"a block of more than 128 KiB", bomb(maxBlock+1, rle(maxBlock+1, true)...), MaxDecoded, ErrFormat, 1 << 16},
		{"a raw block past the end", bomb(1<<10, 1<<5|1, 0x20, 0), MaxDecoded, ErrTruncated, 1 << 16},
		{"a reserved block", bomb(1, 7, 0, 0), MaxDecoded, ErrFormat, 1 << 16},
		{"a header and no more", bomb(1), MaxDecoded, ErrTruncated, 1 << 16},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := DecodeLimit(c.data, c.limit)
		runtime.ReadMemStats(&after)
		if f != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, have %v, %v", c.name, c.want, f, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > c.bytes {
			t.Errorf("%s: want at most %d bytes allocated, have %d", c.name, c.bytes, used)
		}
	}
}
