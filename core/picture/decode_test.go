package picture

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
)

//go:embed testdata/*.jpg testdata/*.png testdata/*.gif testdata/*.webp testdata/*.bmp testdata/*.rgb
var fixtures embed.FS

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := fixtures.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatalf("%v: run testdata/make.py", err)
	}
	return data
}

// TestDecodePillow: what Pillow makes of the same files. Lossless ones are
// equal; the others may differ where decoders may: in the inverse DCT, and in
// how chroma is brought back to full size.
func TestDecodePillow(t *testing.T) {
	names, err := fs.Glob(fixtures, "testdata/*.rgb")
	if err != nil || len(names) < 17 {
		t.Fatalf("want 17 pictures, have %d, %v", len(names), err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "testdata/"), ".rgb")
		want := fixture(t, name+".rgb")
		p, err := Decode(fixture(t, name), Limits{})
		if refused(t, name, fixture(t, name), err) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w, h := 24, 16
		if name == "turned.jpg" || name == "turned.webp" {
			w, h = h, w
		}
		if p.Width != w || p.Height != h {
			t.Errorf("%s: want %d x %d, have %d x %d", name, w, h, p.Width, p.Height)
			continue
		}
		most, sum := 0, 0
		for i, v := range want {
			d := int(p.Pix[i]) - int(v)
			d = max(d, -d)
			most, sum = max(most, d), sum+d
		}
		mean := float64(sum) / float64(len(want))
		limit, meanLimit := 0, 0.0
		if lossy := strings.HasSuffix(name, ".jpg") || name == "lossy.webp" || name == "alpha.webp"; lossy {
			limit, meanLimit = 5, 1
		}
		if most > limit || mean > meanLimit {
			t.Errorf("%s: want every sample within %d and a mean of %.2f, have %d and %.2f", name, limit, meanLimit, most, mean)
		}
		t.Logf("%s: largest difference %d, mean %.3f", name, most, mean)
	}
}

// refused tells whether this build leaves data to its caller, and holds the
// error to that.
func refused(t *testing.T, name string, data []byte, err error) bool {
	t.Helper()
	f, _ := sniff(data)
	if !foreignBuild || f == nil || f == jpegFormat || f == pngFormat {
		return false
	}
	if !errors.Is(err, ErrForeign) || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), f.name) {
		t.Errorf("%s: want %v that names %s, have %v", name, ErrForeign, f.name, err)
	}
	return true
}

// encoded returns small files of each format that Go can write.
func encoded(t testing.TB, m image.Image) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, encode := range map[string]func(*bytes.Buffer) error{
		"JPEG": func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) },
		"PNG":  func(b *bytes.Buffer) error { return png.Encode(b, m) },
		"GIF":  func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) },
		"BMP":  func(b *bytes.Buffer) error { return bmp.Encode(b, m) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(name, err)
		}
		files[name] = b.Bytes()
	}
	return files
}

// TestDecodeDeep: 16-bit PNG keeps the upper bytes.
func TestDecodeDeep(t *testing.T) {
	m := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	m.SetNRGBA64(0, 0, color.NRGBA64{0x12ff, 0x3400, 0xfe80, 0xffff})
	p, err := Decode(encoded(t, m)["PNG"], Limits{})
	if err != nil || !bytes.Equal(p.Pix, []uint8{0x12, 0x34, 0xfe}) {
		t.Errorf("want [18 52 254], have %+v, %v", p, err)
	}
}

// TestDecodeOnePixel: 1 x 1 is a picture like any other.
func TestDecodeOnePixel(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 1, 1))
	m.SetRGBA(0, 0, color.RGBA{255, 255, 255, 255})
	for name, data := range encoded(t, m) {
		p, err := Decode(data, Limits{})
		if refused(t, name, data, err) {
			continue
		}
		if err != nil || p.Width != 1 || p.Height != 1 || !bytes.Equal(p.Pix, []uint8{255, 255, 255}) {
			t.Errorf("%s: want one white pixel, have %+v, %v", name, p, err)
			continue
		}
		if q := p.Square(224); !bytes.Equal(q.Pix, bytes.Repeat([]uint8{255}, 3*224*224)) {
			t.Errorf("%s: want a white square", name)
		}
	}
}

// hugePNG is the header of a PNG of w x h pixels and n bytes of something.
func hugePNG(w, h uint32, n int) []byte {
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	ihdr = append(ihdr, 8, 2, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(ihdr))
	data = append(binary.BigEndian.AppendUint32(data, uint32(n)), "IDAT"...)
	return append(data, make([]byte, n)...)
}

// TestDecodeErrors: each refused file, its sentinel, and what the message says.
func TestDecodeErrors(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 100, 80))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * i)
	}
	files := encoded(t, m)
	hugeJPEG := bytes.Clone(files["JPEG"])
	sof := bytes.Index(hugeJPEG, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint32(hugeJPEG[sof+5:], 8000<<16|8000)
	hugeBMP := bytes.Clone(files["BMP"])
	binary.LittleEndian.PutUint32(hugeBMP[18:], 7000)
	binary.LittleEndian.PutUint32(hugeBMP[22:], 7000)
	hugeGIF := append([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), files["GIF"][13:]...)
	emptyGIF := append([]byte("GIF89a\x00\x00\x00\x00\x00\x00\x00"), files["GIF"][13:]...)
	scans := bytes.Clone(files["JPEG"])
	scans = append(scans[:len(scans)-2], bytes.Repeat([]byte{0xff, 0xda}, 300)...)
	for _, c := range []struct {
		name   string
		data   []byte
		limits Limits
		want   error
		says   string
	}{
		{"no bytes", nil, Limits{}, ErrEmpty, "0 bytes"},
		{"a GIF without a screen", emptyGIF, Limits{}, ErrEmpty, "0 x 0"},
		{"text", []byte("hello, world"), Limits{}, ErrFormat, "want a JPEG, PNG, GIF, WebP or BMP"},
		{"one byte", []byte{0xff}, Limits{}, ErrFormat, "want a JPEG, PNG, GIF, WebP or BMP"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), Limits{}, ErrFormat, "HEIC is not supported; save as JPEG"},
		{"AVIF", []byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"), Limits{}, ErrFormat, "AVIF is not supported; save as JPEG"},
		{"only a RIFF", []byte("RIFF\x04\x00\x00\x00WEBP"), Limits{}, ErrFormat, "WebP"},
		{"bytes over the limit", files["PNG"], Limits{MaxBytes: 100}, ErrTooLarge, "at most 100 bytes"},
		{"pixels over the limit", files["PNG"], Limits{MaxPixels: 7999}, ErrTooLarge, "at most 7999 pixels, have 8000"},
		{"10,000 x 10,000", hugePNG(10_000, 10_000, 1<<20), Limits{}, ErrTooLarge, "at most 67108864 pixels, have 100000000"},
		{"2^31-1 squared", hugePNG(1<<31-1, 1<<31-1, 10), Limits{}, ErrFormat, "PNG"},
		{"a GIF of 65,535 squared", hugeGIF, Limits{}, ErrTooLarge, "4294836225"},
		{"a PNG that cannot hold its pixels", hugePNG(8000, 8000, 1000), Limits{}, ErrTruncated, "want at least"},
		{"a JPEG that cannot hold its pixels", hugeJPEG, Limits{}, ErrTruncated, "want at least"},
		{"a BMP that cannot hold its pixels", hugeBMP, Limits{}, ErrTruncated, "want at least"},
		{"a JPEG of 300 scans", scans, Limits{}, ErrFormat, "at most 256 scans"},
		{"half a JPEG", files["JPEG"][:len(files["JPEG"])/2], Limits{}, ErrTruncated, "JPEG"},
		{"half a PNG", files["PNG"][:len(files["PNG"])/2], Limits{}, ErrTruncated, "PNG"},
		{"half a GIF", files["GIF"][:len(files["GIF"])/2], Limits{}, ErrTruncated, "GIF"},
		{"half a BMP", files["BMP"][:len(files["BMP"])/2], Limits{}, ErrTruncated, "BMP"},
		{"half a WebP", fixture(t, "lossy.webp")[:80], Limits{}, ErrTruncated, "WebP"},
	} {
		p, err := Decode(c.data, c.limits)
		if refused(t, c.name, c.data, err) {
			continue
		}
		if p != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: want %q and %q, have %v", c.name, c.want, c.says, err)
		}
	}
}

// TestDecodeEveryCut: a file cut anywhere is a named error or, where only
// what follows the pixels is missing, a picture; a changed byte likewise.
func TestDecodeEveryCut(t *testing.T) {
	for _, name := range []string{"420.jpg", "progressive.jpg", "cmyk.jpg", "palette.png", "palette.gif", "palette.bmp", "alpha.webp", "lossless.webp", "animated.webp"} {
		data := fixture(t, name)
		for n := range data {
			p, err := Decode(data[:n], Limits{})
			if (p == nil) != named(err) {
				t.Fatalf("%s cut to %d bytes: have %v, %v", name, n, p != nil, err)
			}
			if n < len(data)/2 && p != nil {
				t.Fatalf("%s cut to %d of %d bytes: want an error, have a picture", name, n, len(data))
			}
			broken := bytes.Clone(data)
			broken[n] ^= 0x41
			if p, err := Decode(broken, Limits{MaxPixels: 1 << 16}); (p == nil) != named(err) {
				t.Fatalf("%s with byte %d changed: have %v, %v", name, n, p != nil, err)
			}
		}
	}
}

// named tells whether err wraps one of the package's sentinels.
func named(err error) bool {
	return errors.Is(err, ErrEmpty) || errors.Is(err, ErrFormat) || errors.Is(err, ErrTruncated) || errors.Is(err, ErrTooLarge)
}

// TestGuard: a decoder that panics gives an error.
func TestGuard(t *testing.T) {
	f := &format{name: "X", config: nil}
	if _, err := f.readConfig([]byte{1}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "X") {
		t.Errorf("want %v, have %v", ErrFormat, err)
	}
}
