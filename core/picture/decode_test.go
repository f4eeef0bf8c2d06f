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

// TestDecodeAnimation: the first frame, on its screen, whatever follows.
func TestDecodeAnimation(t *testing.T) {
	palette := color.Palette{color.RGBA{200, 10, 20, 255}, color.RGBA{0, 0, 0, 255}, color.RGBA{}}
	small := image.NewPaletted(image.Rect(1, 2, 3, 4), palette) // the first: 2 x 2 of a 5 x 4 screen
	small.Pix[3] = 2                                            // see-through
	black := image.NewPaletted(image.Rect(0, 0, 5, 4), palette)
	for i := range black.Pix {
		black.Pix[i] = 1
	}
	var file bytes.Buffer
	err := gif.EncodeAll(&file, &gif.GIF{
		Image: []*image.Paletted{small, black, black}, Delay: []int{1, 1, 1},
		Config: image.Config{ColorModel: palette, Width: 5, Height: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]uint8{255}, 3*5*4)
	for _, at := range []image.Point{{1, 2}, {2, 2}, {1, 3}} {
		copy(want[3*(5*at.Y+at.X):], []uint8{200, 10, 20})
	}
	p, err := Decode(file.Bytes(), Limits{})
	if err != nil || p.Width != 5 || p.Height != 4 || !bytes.Equal(p.Pix, want) {
		t.Errorf("GIF: want %v, have %+v, %v", want, p, err)
	}
	// The frames after the first may be cut off: nobody asked for them.
	if _, err := Decode(file.Bytes()[:file.Len()-20], Limits{}); err != nil {
		t.Errorf("GIF with its last frame cut: want the first, have %v", err)
	}

	p, err = Decode(fixture(t, "animated.webp"), Limits{})
	if err != nil || !bytes.Equal(p.Pix, fixture(t, "lossless.webp.rgb")) {
		t.Errorf("WebP: want the scene, have %+v, %v", p, err)
	}
	p, err = Decode(fixture(t, "animated-alpha.webp"), Limits{})
	if err != nil {
		t.Fatalf("WebP with alpha: %v", err)
	}
	for i, v := range fixture(t, "alpha.webp.rgb") {
		if d := int(p.Pix[i]) - int(v); d < -5 || d > 5 {
			t.Fatalf("WebP with alpha: byte %d: want %d, have %d", i, v, p.Pix[i])
		}
	}
}

// TestDecodeWebPFrame: a first frame smaller than the screen, at its place,
// and frames that lie about their size.
func TestDecodeWebPFrame(t *testing.T) {
	still := fixture(t, "lossless.webp")[12:] // the VP8L chunk, 24 x 16
	animate := func(screenW, screenH, x, y, w, h int, chunks []byte) []byte {
		frame := []byte{byte(x / 2), 0, 0, byte(y / 2), 0, 0, byte(w - 1), 0, 0, byte(h - 1), 0, 0, 1, 0, 0, 0}
		frame = append(frame, chunks...)
		out := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), byte(screenW-1), 0, 0, byte(screenH-1), 0, 0)
		out = append(out, "ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00ANMF"...)
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(frame))), frame...)
		binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
		return out
	}
	p, err := Decode(animate(40, 30, 6, 4, 24, 16, still), Limits{})
	if err != nil || p.Width != 40 || p.Height != 30 {
		t.Fatalf("want 40 x 30, have %+v, %v", p, err)
	}
	want := bytes.Repeat([]uint8{255}, 3*40*30)
	scene := fixture(t, "lossless.webp.rgb")
	for y := range 16 {
		copy(want[3*(40*(y+4)+6):], scene[3*24*y:3*24*(y+1)])
	}
	if !bytes.Equal(p.Pix, want) {
		t.Error("want the frame at (6, 4) on white")
	}
	for name, data := range map[string][]byte{
		"outside the screen": animate(24, 16, 2, 0, 24, 16, still),
		"another size":       animate(40, 30, 0, 0, 23, 16, still),
		"no pixels":          animate(24, 16, 0, 0, 24, 16, nil),
		"no frame":           animate(24, 16, 0, 0, 24, 16, still)[:44],
	} {
		if p, err := Decode(data, Limits{}); p != nil || !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: want an error, have %v", name, err)
		}
	}
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
