package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func TestDecodePNG(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	m.SetNRGBA(0, 0, color.NRGBA{R: 10, G: 20, B: 30, A: 255})
	m.SetNRGBA(1, 0, color.NRGBA{R: 0, G: 100, B: 255, A: 51}) // 20% over white
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	p, err := Decode(file.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []uint8{10, 20, 30, 204, 224, 255}
	if p.Width != 2 || p.Height != 1 || !bytes.Equal(p.Pix, want) {
		t.Errorf("want %v, have %+v", want, p)
	}
	if q := p.Square(224); q.Width != 224 || q.Height != 224 || q.Pix[0] != 10 || q.Pix[3*223] != 204 {
		t.Errorf("want 224 x 224 from 10 to 204, have %d x %d, %d to %d", q.Width, q.Height, q.Pix[0], q.Pix[3*223])
	}
}
