package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

// tiff builds EXIF data: a directory with another tag before the orientation.
func tiff(order binary.AppendByteOrder, mark string, kind uint16, turn uint32) []byte {
	data := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	data = order.AppendUint16(data, 2)
	data = order.AppendUint16(data, 0x010f) // the maker
	data = append(order.AppendUint32(order.AppendUint16(data, 2), 3), "ab\x00\x00"...)
	data = order.AppendUint32(order.AppendUint16(order.AppendUint16(data, 0x0112), kind), 1)
	if kind == 3 {
		data = order.AppendUint16(order.AppendUint16(data, uint16(turn)), 0)
	} else {
		data = order.AppendUint32(data, turn)
	}
	return order.AppendUint32(data, 0) // no next directory
}

func withJPEG(file, exif []byte) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe0, 0, 4, 'J', 'F')                    // a segment before it
	out = append(out, 0xff, 0xff, 0xe1, 0, 7, 'h', 't', 't', 'p', 0) // XMP has the same marker; one fill byte
	body := append([]byte("Exif\x00\x00"), exif...)
	out = append(out, 0xff, 0xe1, byte((len(body)+2)>>8), byte(len(body)+2))
	return append(append(out, body...), file[2:]...)
}

func withPNG(file, exif []byte) []byte {
	const ihdr = 8 + 8 + 13 + 4
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(exif))), "eXIf"...)
	chunk = append(chunk, exif...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(append([]byte{}, file[:ihdr]...), chunk...), file[ihdr:]...)
}

// withWebP makes the extended form of a simple WebP of w x h pixels.
func withWebP(file, exif []byte, w, h int) []byte {
	out := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x08\x00\x00\x00"), byte(w-1), 0, 0, byte(h-1), 0, 0)
	out = append(out, file[12:]...)
	out = append(out, "EXIF"...)
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(exif))), exif...)
	if len(exif)%2 == 1 {
		out = append(out, 0)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// TestOrientation: all eight, in three formats, either byte order, both types
// that writers use.
func TestOrientation(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 32, 16)) // one colour a JPEG block
	for i := range 32 * 16 {
		x, y := i%32, i/32
		m.SetRGBA(x, y, color.RGBA{uint8(60 * (x / 8)), uint8(100 * (y / 8)), 128, 255})
	}
	var jpegFile, pngFile bytes.Buffer
	if err := jpeg.Encode(&jpegFile, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pngFile, m); err != nil {
		t.Fatal(err)
	}
	webpFile := fixture(t, "lossless.webp")
	for turn := upright; turn <= turnedLeft; turn++ {
		for name, exif := range map[string][]byte{
			"II":   tiff(binary.LittleEndian, "II", 3, uint32(turn)),
			"MM":   tiff(binary.BigEndian, "MM", 3, uint32(turn)),
			"long": tiff(binary.BigEndian, "MM", 4, uint32(turn)),
		} {
			for kind, files := range map[string][2][]byte{
				"JPEG":         {jpegFile.Bytes(), withJPEG(jpegFile.Bytes(), exif)},
				"PNG":          {pngFile.Bytes(), withPNG(pngFile.Bytes(), exif)},
				"WebP":         {webpFile, withWebP(webpFile, exif, 24, 16)},
				"WebP, prefix": {webpFile, withWebP(webpFile, append([]byte(exifPrefix), exif...), 24, 16)},
			} {
				flat, err := Decode(files[0], Limits{})
				if refused(t, kind, files[0], err) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				have, err := Decode(files[1], Limits{})
				if err != nil {
					t.Fatalf("%s, %s, orientation %d: %v", kind, name, turn, err)
				}
				w, h := flat.Width, flat.Height
				if turn > 4 {
					w, h = h, w
				}
				if have.Width != w || have.Height != h {
					t.Fatalf("%s, %s, orientation %d: want %d x %d, have %d x %d", kind, name, turn, w, h, have.Width, have.Height)
				}
				for i := range flat.Width * flat.Height {
					x, y := place(turn, i%flat.Width, i/flat.Width, flat.Width, flat.Height)
					if !bytes.Equal(have.Pix[3*(y*w+x):][:3], flat.Pix[3*i:][:3]) {
						t.Fatalf("%s, %s, orientation %d: pixel %d is not at (%d, %d)", kind, name, turn, i, x, y)
					}
				}
			}
		}
	}
}

// TestOrientationDamaged: EXIF that is not well formed leaves the picture as
// it is, cut anywhere or with any byte changed.
func TestOrientationDamaged(t *testing.T) {
	for name, exif := range map[string][]byte{
		"0":            tiff(binary.LittleEndian, "II", 3, 0),
		"9":            tiff(binary.LittleEndian, "II", 3, 9),
		"2^32-1":       tiff(binary.LittleEndian, "II", 4, 1<<32-1),
		"a byte":       tiff(binary.LittleEndian, "II", 1, 6),
		"another mark": tiff(binary.LittleEndian, "XX", 3, 6),
		"offset":       append([]byte("II*\x00\xff\xff\xff\xff"), make([]byte, 30)...),
		"many entries": append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), make([]byte, 30)...),
		"nothing":      nil,
	} {
		if have := tiffTurn(exif); have != upright {
			t.Errorf("%s: want upright, have %d", name, have)
		}
	}
	whole := tiff(binary.BigEndian, "MM", 3, 6)
	if tiffTurn(whole) != turnedRight {
		t.Fatal("want the whole to be read")
	}
	for n := range whole {
		if have := tiffTurn(whole[:n]); have != upright && n < len(whole)-4 { // the last 4 are the next directory
			t.Errorf("cut to %d bytes: want upright, have %d", n, have)
		}
		for bit := range 8 {
			broken := bytes.Clone(whole)
			broken[n] ^= 1 << bit
			if have := tiffTurn(broken); have < upright || have > turnedLeft {
				t.Errorf("byte %d broken: have %d", n, have)
			}
		}
	}
}

// FuzzTurn: the walks over segments and chunks end and stay inside the file.
func FuzzTurn(f *testing.F) {
	exif := tiff(binary.LittleEndian, "II", 3, 6)
	for _, name := range []string{"turned.jpg", "turned.png", "turned.webp"} {
		f.Add(fixture(f, name))
	}
	f.Add(exif)
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, turn := range turns {
			if have := turn(data); have < upright || have > turnedLeft {
				t.Errorf("have orientation %d", have)
			}
		}
	})
}
