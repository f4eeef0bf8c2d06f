package tensorfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
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

// samples are data of many kinds: what a compressor stores raw, as one byte,
// by Huffman codes alone, by matches near and far, by repeated offsets.
func samples() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(n int, next func(i int) byte) []byte {
		data := make([]byte, n)
		for i := range data {
			data[i] = next(i)
		}
		return data
	}
	weights := func(int) byte { return byte(int8(max(min(rng.NormFloat64()*20, 127), -127))) }
	words := strings.Fields("blocks attn qkv proj weight bias norm1 norm2 mlp fc1 fc2 head . . . 0 1 2 3 scale")
	text := []byte{}
	for len(text) < 140_000 {
		text = append(append(text, words[rng.IntN(len(words))]...), "._ "[rng.IntN(3)])
	}
	far := fill(160_000, weights)
	copy(far[110_000:], far[:40_000])
	return map[string][]byte{
		"empty":     {},
		"one":       {7},
		"few":       []byte("abcabcabcabcabcabcabcabcd"),
		"zeros":     make([]byte, 280_000),
		"random":    fill(135_000, func(int) byte { return byte(rng.Uint32()) }),
		"weights":   fill(140_000, weights),
		"far":       far,
		"text":      text,
		"two bits":  fill(50_000, func(int) byte { return byte(rng.IntN(4)) * 37 }),
		"records":   fill(100_000, func(i int) byte { return []byte{1, 0, byte(i >> 10), byte(rng.IntN(2)), 9, 9, byte(i >> 6)}[i%7] }),
		"skewed":    fill(60_000, func(int) byte { return byte(rng.ExpFloat64() * 3) }),
		"wide":      fill(60_000, func(int) byte { return byte(rng.ExpFloat64() * 40) }),
		"counting":  fill(70_000, func(i int) byte { return byte(i * i >> 8) }),
		"short run": fill(5_000, func(i int) byte { return byte(i / 100) }),
	}
}

// TestUnpack: what the reference encoder packs, at each of its levels, as one
// frame and as a stream of small windows, with and without a checksum.
func TestUnpack(t *testing.T) {
	for name, want := range samples() {
		for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
			for _, window := range []int{1 << 12, 8 << 20} {
				w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
					zstd.WithEncoderCRC(window > 1<<12), zstd.WithAllLitEntropyCompression(level > zstd.SpeedDefault))
				if err != nil {
					t.Fatal(err)
				}
				var stream bytes.Buffer
				w.Reset(&stream)
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 17_001)
					if _, err := w.Write(rest[:n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				for form, packed := range map[string][]byte{"frame": w.EncodeAll(want, nil), "stream": stream.Bytes()} {
					if have, err := unpack(packed, len(want)+maxBlock*(len(want)/1000+1)); err != nil || !bytes.Equal(have, want) {
						t.Fatalf("%s, level %v, window %d, %s: want %d bytes, have %d, %v", name, level, window, form, len(want), len(have), err)
					}
				}
			}
		}
	}
}

// TestPackRaw: the reference decoder reads the frames of the browser.
func TestPackRaw(t *testing.T) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, want := range samples() {
		packed := packRaw(want)
		if have, err := r.DecodeAll(packed, nil); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: the reference: want %d bytes, have %d, %v", name, len(want), len(have), err)
		}
		if have, err := unpack(packed, len(want)); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: ours: want %d bytes, have %d, %v", name, len(want), len(have), err)
		}
	}
}

// TestUnpackChecksum: a changed byte of the content, and of the checksum.
func TestUnpackChecksum(t *testing.T) {
	packed := packRaw([]byte("abcdef"))
	for i := len(packed) - 10; i < len(packed); i++ {
		broken := bytes.Clone(packed)
		broken[i] ^= 1
		if _, err := unpack(broken, 100); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("byte %d changed: want a wrong checksum, have %v", i, err)
		}
	}
}

// TestXXHash: the empty input's value of the specification's sanity checks,
// and the reference's value, by a frame's checksum, for every length up to 100.
func TestXXHash(t *testing.T) {
	if have := xxhash64(nil); have != 0xef46db3751d8e999 {
		t.Errorf("want ef46db3751d8e999, have %x", have)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	data := samples()["random"]
	for n := 1; n < 100; n++ {
		packed := w.EncodeAll(data[:n], nil)
		want := binary.LittleEndian.Uint32(packed[len(packed)-4:])
		if have := uint32(xxhash64(data[:n])); have != want {
			t.Errorf("%d bytes: want %08x, have %08x", n, want, have)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"weights", "text"} {
		data := samples()[name]
		packed := w.EncodeAll(data, nil)
		b.Run(name+"/ours", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := unpack(packed, MaxDecoded); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/reference", func(b *testing.B) {
			r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := r.DecodeAll(packed, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
