//go:build !browser

package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"testing"
)

// foreignBuild: the build leaves GIF, WebP and BMP to its caller.
const foreignBuild = false

// turns are the walks over segments and chunks.
var turns = []func([]byte) orientation{jpegTurn, pngTurn, webpTurn, tiffTurn}

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
