package tensorfile

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// FuzzDecode: no panic; every error wraps a sentinel; the memory taken is in
// proportion to the input; what is read is written and read back the same.
func FuzzDecode(f *testing.F) {
	plain, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	packed, err := EncodeZstd(sample())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		plain, packed, plain[:40], packed[:20],
		file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
		file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
		file(`{"\ud83d\ude00":{"dtype":"I8","shape":[],"data_offsets":[0,1]},"__metadata__":{"a":"\t"}}`, 1),
		bomb(2<<30, 9, 0, 0, 0),
		bomb(3*maxBlock, append(append(rle(maxBlock, false), rle(maxBlock, false)...), rle(maxBlock, true)...)...),
	} {
		f.Add(seed)
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		have, err := DecodeLimit(data, limit)
		runtime.ReadMemStats(&after)
		size := uint64(len(data))
		if isZstd(data) {
			size += limit + 4<<20 // the unpacked bytes, the decoder's tables
		}
		// An entry of the header is 50 bytes or more of input, and some 250 of
		// structs, map and slices; the rest is what the runtime does meanwhile.
		if used := after.TotalAlloc - before.TotalAlloc; used > 32*size+1<<20 {
			t.Errorf("want memory in proportion to %d bytes, have %d", len(data), used)
		}
		if err != nil {
			if have != nil || !named(err) {
				t.Errorf("want nil and a named error, have %v, %v", have, err)
			}
			return
		}
		again, err := Encode(have)
		if err != nil {
			t.Fatalf("want what was read to be written, have %v", err)
		}
		back, err := Decode(again)
		if err != nil {
			t.Fatalf("want what was written to be read, have %v", err)
		}
		if len(have.Metadata) > 0 && !reflect.DeepEqual(back.Metadata, have.Metadata) {
			t.Errorf("want metadata %q, have %q", have.Metadata, back.Metadata)
		}
		if len(back.Tensors) != len(have.Tensors) {
			t.Fatalf("want %d tensors, have %d", len(have.Tensors), len(back.Tensors))
		}
		for i := range have.Tensors {
			w := &have.Tensors[i]
			h, ok := back.Tensor(w.Name)
			if !ok || h.DType != w.DType || !reflect.DeepEqual(h.Shape, w.Shape) || !bytes.Equal(h.Data, w.Data) {
				t.Errorf("want %v, have %v", w, h)
			}
		}
	})
}

// FuzzUnpack: what the reference decoder reads, ours reads to the same bytes,
// and where both read, they agree.
func FuzzUnpack(f *testing.F) {
	for _, data := range samples() {
		for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
			w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(w.EncodeAll(data[:min(len(data), 2000)], nil))
		}
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<22))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		have, err := unpack(data, 1<<20)
		want, wantErr := r.DecodeAll(data, nil)
		if err != nil && !named(err) {
			t.Errorf("want a named error, have %v", err)
		}
		if err == nil && wantErr == nil && !bytes.Equal(have, want) {
			t.Errorf("want %d bytes, have %d others", len(want), len(have))
		}
		if wantErr == nil && err != nil && !errors.Is(err, ErrTooLarge) {
			t.Errorf("want %d bytes, have %v", len(want), err)
		}
	})
}
