package tensorfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// file builds a safetensors file from a header and n bytes of tensors.
func file(header string, n int) []byte {
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	data = append(data, header...)
	for i := range n {
		data = append(data, byte(i))
	}
	return data
}

// TestDecodeHeader: what other writers write and we must read.
func TestDecodeHeader(t *testing.T) {
	data := file(" \t\r\n{ \"b\" : { \"data_offsets\" : [ 2 , 4 ] , \"shape\":[1,2],\"dtype\":\"U8\"},"+
		"\"\\u00e9\\ud83d\\ude00\\/\\\"\\n\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"+
		"\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]} }   \n", 4)
	// A header begins with '{' in every real file; white space before it is refused.
	if _, err := Decode(data); !errors.Is(err, ErrFormat) {
		t.Errorf("want %v for white space before the header, have %v", ErrFormat, err)
	}
	header := strings.TrimLeft(string(data[8:len(data)-4]), " \t\r\n")
	f, err := Decode(file(header, 4))
	if err != nil {
		t.Fatal(err)
	}
	want := &File{Tensors: []Tensor{
		{"é\U0001F600/\"\n", I8, []int{2}, []byte{0, 1}},
		{"e", F32, []int{0}, []byte{}},
		{"b", U8, []int{1, 2}, []byte{2, 3}},
	}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("want %v, have %v", want, f)
	}
	if f, err := Decode(file("{}", 0)); err != nil || len(f.Tensors) != 0 || f.Metadata != nil {
		t.Errorf("want an empty file, have %v, %v", f, err)
	}
}

// TestDecodeErrors: each refused file, the sentinel, and what the message must name.
func TestDecodeErrors(t *testing.T) {
	const ok = `"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	huge := binary.LittleEndian.AppendUint64(nil, 1<<40)
	for _, c := range []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"no bytes", nil, ErrTruncated, "have 0"},
		{"half a length", []byte{1, 0, 0}, ErrTruncated, "have 3"},
		{"a length and no more", make([]byte, 8), ErrFormat, "want '{'"},
		{"a foreign file", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), ErrFormat, "not a safetensors file"},
		{"a header of a terabyte", append(huge, '{'), ErrTooLarge, "1099511627776"},
		{"a header past the end", file("{"+ok+"}", 8)[:20], ErrTruncated, "have 12"},
		{"a cut header", file("{"+ok, 8), ErrFormat, "end of the header"},
		{"a cut string", file(`{"w`, 0), ErrFormat, "end of the header"},
		{"an escape at the end", file(`{"w\`, 0), ErrFormat, "escape"},
		{"two values", file("{"+ok+"} {}", 8), ErrFormat, "end of the header"},
		{"a trailing comma", file("{"+ok+",}", 8), ErrFormat, `'"'`},
		{"no comma", file("{"+ok+` "x"`, 8), ErrFormat, "','"},
		{"an array", file(`[]`, 0), ErrFormat, "not a safetensors file"},
		{"null", file(`{"w":null}`, 0), ErrFormat, "'{'"},
		{"depth", file("{\"w\":"+strings.Repeat("[", 100_000), 0), ErrFormat, "'{'"},
		{"a raw control character", file("{\"w\n\":{}}", 0), ErrFormat, "escaped"},
		{"bad UTF-8", file("{\"\xff\":{}}", 0), ErrFormat, "UTF-8"},
		{"a bad escape", file(`{"\x41":{}}`, 0), ErrFormat, "escape"},
		{"a short escape", file(`{"\u00":{}}`, 0), ErrFormat, "escape"},
		{"a lone high surrogate", file(`{"\ud83d":{}}`, 0), ErrFormat, "escape"},
		{"a lone low surrogate", file(`{"\ude00":{}}`, 0), ErrFormat, "escape"},
		{"a pair of high surrogates", file(`{"\ud83d\ud83d":{}}`, 0), ErrFormat, "escape"},
		{"metadata that is no object", file(`{"__metadata__":"x"}`, 0), ErrFormat, "'{'"},
		{"metadata with a number", file(`{"__metadata__":{"a":1}}`, 0), ErrFormat, `'"'`},
		{"metadata twice in itself", file(`{"__metadata__":{"a":"1","\u0061":"2"}}`, 0), ErrDuplicate, `"a"`},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), ErrDuplicate, "__metadata__"},
		{"a name twice", file("{"+ok+","+ok+"}", 8), ErrDuplicate, `"w"`},
		{"a name twice, once escaped", file("{"+ok+`,"\u0077":{}}`, 8), ErrDuplicate, `"w"`},
		{"a key twice", file(`{"w":{"dtype":"F32","dtype":"F32"}}`, 0), ErrDuplicate, `"dtype"`},
		{"a shape twice", file(`{"w":{"shape":[],"shape":[]}}`, 0), ErrDuplicate, `"shape"`},
		{"offsets twice", file(`{"w":{"data_offsets":[0,0],"data_offsets":[0,0]}}`, 0), ErrDuplicate, `"data_offsets"`},
		{"a strange key", file(`{"w":{"stride":[1]}}`, 0), ErrFormat, `"stride"`},
		{"no dtype", file(`{"w":{"shape":[2],"data_offsets":[0,8]}}`, 8), ErrFormat, `"w"`},
		{"no shape", file(`{"w":{"dtype":"F32","data_offsets":[0,8]}}`, 8), ErrFormat, `"w"`},
		{"no offsets", file(`{"w":{"dtype":"F32","shape":[2]}}`, 8), ErrFormat, `"w"`},
		{"an unknown dtype", file(`{"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}`, 2), ErrDType, `"F8_E4M3"`},
		{"a negative dimension", file(`{"w":{"dtype":"I8","shape":[-1],"data_offsets":[0,2]}}`, 2), ErrFormat, `"w"`},
		{"a fraction", file(`{"w":{"dtype":"I8","shape":[2.0],"data_offsets":[0,2]}}`, 2), ErrFormat, "']'"},
		{"an exponent", file(`{"w":{"dtype":"I8","shape":[2e0],"data_offsets":[0,2]}}`, 2), ErrFormat, "']'"},
		{"a leading zero", file(`{"w":{"dtype":"I8","shape":[02],"data_offsets":[0,2]}}`, 2), ErrFormat, "integer"},
		{"a dimension of 30 digits", file(`{"w":{"dtype":"I8","shape":[`+strings.Repeat("9", 30)+`],"data_offsets":[0,2]}}`, 2), ErrTooLarge, `"w"`},
		{"33 dimensions", file(`{"w":{"dtype":"I8","shape":[1`+strings.Repeat(",1", 32)+`],"data_offsets":[0,1]}}`, 1), ErrShape, `"w"`},
		{"a byte count that wraps to 0", file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), ErrShape, "overflows"},
		{"a zero that hides an overflow", file(`{"w":{"dtype":"I8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`, 0), ErrShape, "overflows"},
		{"one offset", file(`{"w":{"dtype":"I8","shape":[2],"data_offsets":[0]}}`, 2), ErrFormat, "have 1"},
		{"three offsets", file(`{"w":{"dtype":"I8","shape":[2],"data_offsets":[0,2,2]}}`, 2), ErrFormat, "at most 2"},
		{"offsets backwards", file(`{"w":{"dtype":"I8","shape":[2],"data_offsets":[2,0]}}`, 2), ErrFormat, "[2,0)"},
		{"bytes that are not the shape's", file(`{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8), ErrShape, "want 12 bytes"},
		{"a cut tensor", file("{"+ok+"}", 7), ErrTruncated, "want 8 bytes of tensors, have 7"},
		{"an overlap", file("{"+ok+`,"x":{"dtype":"I8","shape":[8],"data_offsets":[4,12]}}`, 12), ErrFormat, `"x": bytes [4,12) overlap tensor "w"`},
		{"the same bytes twice", file("{"+ok+`,"x":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}`, 8), ErrFormat, "overlap"},
		{"an empty tensor inside another", file("{"+ok+`,"x":{"dtype":"I8","shape":[0],"data_offsets":[4,4]}}`, 8), ErrFormat, "overlap"},
		{"a gap", file("{"+ok+`,"x":{"dtype":"I8","shape":[1],"data_offsets":[9,10]}}`, 10), ErrFormat, "a gap"},
		{"a gap in front", file(`{"x":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}`, 2), ErrFormat, "a gap"},
		{"trailing bytes", file("{"+ok+"}", 9), ErrFormat, "trailing bytes"},
		{"trailing bytes and no tensor", file("{}", 1), ErrFormat, "trailing bytes"},
	} {
		f, err := Decode(c.data)
		if f != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: want %q and %q, have %v, %v", c.name, c.want, c.says, f, err)
		}
	}
}

// TestDecodeEveryCut: a file cut anywhere is an error that names a sentinel,
// and so is one with any byte of its header's grammar broken.
func TestDecodeEveryCut(t *testing.T) {
	plain, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := EncodeZstd(sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{plain, packed} {
		for n := range data {
			if _, err := Decode(data[:n]); !named(err) {
				t.Fatalf("cut to %d of %d bytes: want a named error, have %v", n, len(data), err)
			}
		}
	}
	for i := range packed { // every bit of a frame is under its checksum or its header
		broken := bytes.Clone(packed)
		broken[i] ^= 0x10
		if f, err := Decode(broken); err != nil && !named(err) {
			t.Fatalf("byte %d broken: want a named error, have %v, %v", i, f, err)
		}
	}
}

// named tells whether err wraps one of the package's sentinels.
func named(err error) bool {
	for _, sentinel := range []error{ErrTruncated, ErrFormat, ErrDuplicate, ErrDType, ErrShape, ErrTooLarge} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// TestDecodeViews: no tensor's bytes are copied, and appending to one cannot
// reach its neighbour.
func TestDecodeViews(t *testing.T) {
	data := file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4)
	f, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	a := f.Tensors[0].Data
	if &a[0] != &data[len(data)-4] || cap(a) != 2 {
		t.Errorf("want a view of 2 bytes, have a copy or a capacity of %d", cap(a))
	}
}

// TestLongNamesAreClipped: an error about a hostile header stays a sentence.
func TestLongNamesAreClipped(t *testing.T) {
	_, err := Decode(file(`{"`+strings.Repeat("x", 1<<20)+`":{"dtype":"F9","shape":[],"data_offsets":[0,0]}}`, 0))
	if !errors.Is(err, ErrDType) || len(err.Error()) > 300 {
		t.Errorf("want a short %v, have %d bytes", ErrDType, len(err.Error()))
	}
}
