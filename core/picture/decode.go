package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// Limits bound the files that Decode accepts. A zero field stands for that of
// DefaultLimits.
type Limits struct {
	MaxBytes  int // of the file
	MaxPixels int // width times height, as the header has them
}

// DefaultLimits let the photos of today's phones pass (50 megapixels are about
// 20 MB as JPEG). 64 Mi pixels take 192 MiB as a Picture, and the decoder's
// own memory beside it: up to 768 MiB for a progressive JPEG.
var DefaultLimits = Limits{MaxBytes: 64 << 20, MaxPixels: 64 << 20}

// Decode reads a JPEG, PNG, GIF, WebP or BMP file, told by its first bytes; of
// an animation the first frame. The picture is upright (EXIF orientation of JPEG, PNG and
// WebP), transparency shows white, 16-bit samples keep their upper 8 bits,
// colour profiles are not applied. Built with the tag browser it reads JPEG and
// PNG; any other of these formats is an ErrForeign.
//
// The header's size is held against limits, and against what the bytes can
// hold at best, before pixels are decoded. The errors wrap ErrEmpty,
// ErrFormat, ErrTruncated or ErrTooLarge. data is not kept.
func Decode(data []byte, limits Limits) (*Picture, error) {
	if limits.MaxBytes == 0 {
		limits.MaxBytes = DefaultLimits.MaxBytes
	}
	if limits.MaxPixels == 0 {
		limits.MaxPixels = DefaultLimits.MaxPixels
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("picture: a file of 0 bytes: %w", ErrEmpty)
	}
	if len(data) > limits.MaxBytes {
		return nil, fmt.Errorf("picture: want a file of at most %d bytes, have %d: %w", limits.MaxBytes, len(data), ErrTooLarge)
	}
	f, err := sniff(data)
	if err != nil {
		return nil, err
	}
	if f.image == nil {
		return nil, fmt.Errorf("picture: %s: %w", f.name, ErrForeign)
	}
	config, err := f.readConfig(data)
	if err != nil {
		return nil, err
	}
	w, h := config.Width, config.Height
	if w <= 0 || h <= 0 {
		return nil, fmt.Errorf("picture: %s of %d x %d pixels: %w", f.name, w, h, ErrEmpty)
	}
	if w > limits.MaxPixels/h {
		return nil, fmt.Errorf("picture: %s of %d x %d: want at most %d pixels, have %d: %w", f.name, w, h, limits.MaxPixels, int64(w)*int64(h), ErrTooLarge)
	}
	if least := f.leastBytes(data, w, h); least > len(data) {
		return nil, fmt.Errorf("picture: %s of %d x %d pixels: want at least %d bytes, have %d: %w", f.name, w, h, least, len(data), ErrTruncated)
	}
	m, err := f.readImage(data)
	if err != nil {
		return nil, err
	}
	return assemble(f, m, w, h, f.turn(data))
}

// assemble draws a decoded frame on the canvas of its file.
func assemble(f *format, m image.Image, w, h int, turn orientation) (*Picture, error) {
	b, screen := m.Bounds(), image.Rect(0, 0, w, h)
	if b != screen && !(f.frames && b.In(screen)) {
		return nil, fmt.Errorf("picture: %s: want %d x %d pixels, have %v: %w", f.name, w, h, b, ErrFormat)
	}
	p, c := newCanvas(w, h, turn)
	if b != screen { // a frame smaller than its screen
		for i := range p.Pix {
			p.Pix[i] = 255
		}
	}
	if !b.Empty() {
		c.sub(b.Min.X, b.Min.Y).draw(m, f.studio)
	}
	return p, nil
}

// format is one kind of file: how to tell it, and who reads it.
type format struct {
	name       string
	config     func(io.Reader) (image.Config, error)
	image      func(io.Reader) (image.Image, error) // of a *source; nil: told, not read
	leastBytes func(data []byte, w, h int) int      // a file of w x h pixels has no fewer
	turn       func(data []byte) orientation
	frames     bool // may be animated: a frame may be smaller than the screen
	studio     bool // its YCbCr is of the range that video uses
}

var (
	jpegFormat = &format{name: "JPEG", config: jpeg.DecodeConfig, image: decodeJPEG, leastBytes: leastJPEG, turn: jpegTurn}
	pngFormat  = &format{name: "PNG", config: png.DecodeConfig, image: png.Decode, leastBytes: leastPNG, turn: pngTurn}
)

// sniff tells the format by the first bytes.
func sniff(data []byte) (*format, error) {
	has := func(at int, magic string) bool {
		return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return jpegFormat, nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return pngFormat, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return gifFormat, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return webpFormat, nil
	case has(0, "BM"):
		return bmpFormat, nil
	case has(4, "ftyp"):
		name := "HEIC"
		if has(8, "avi") {
			name = "AVIF"
		}
		return nil, fmt.Errorf("picture: %s is not supported; save as JPEG: %w", name, ErrFormat)
	}
	return nil, fmt.Errorf("picture: want a JPEG, PNG, GIF, WebP or BMP, have a file that begins with %q: %w", data[:min(len(data), 8)], ErrFormat)
}

func (f *format) readConfig(data []byte) (image.Config, error) {
	var config image.Config
	err := f.guard(data, func(r io.Reader) (err error) {
		config, err = f.config(r)
		return err
	})
	return config, err
}

func (f *format) readImage(data []byte) (image.Image, error) {
	var m image.Image
	err := f.guard(data, func(r io.Reader) (err error) {
		m, err = f.image(r)
		return err
	})
	return m, err
}

// guard runs a decoder and sorts its errors. The decoders are not ours: a
// panic of one on a hostile file is one more bad file, not our end.
func (f *format) guard(data []byte, read func(io.Reader) error) (err error) {
	r := &source{data: data}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("picture: %s: the decoder failed: %v: %w", f.name, v, ErrFormat)
		}
	}()
	if err := read(r); err != nil {
		kind := ErrFormat
		if r.drained || errors.Is(err, io.ErrUnexpectedEOF) {
			kind = ErrTruncated
		}
		return fmt.Errorf("picture: %s: %v: %w", f.name, err, kind)
	}
	return nil
}

// source reads data and remembers that more was asked for than there is: not
// every decoder keeps io.EOF in its error.
type source struct {
	data    []byte
	drained bool
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		s.drained = s.drained || len(p) > 0
		return 0, io.EOF
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

// maxScans is far above the ten or so of an encoder. Each scan of a
// progressive JPEG may walk all blocks for a few bytes of file, so that
// without a limit a small file could take hours.
const maxScans = 256

func decodeJPEG(r io.Reader) (image.Image, error) {
	// Inside a scan 0xff is followed by 0 or a restart: these are markers, or,
	// rarely, bytes of a thumbnail.
	if n := bytes.Count(r.(*source).data, []byte{0xff, 0xda}); n > maxScans {
		return nil, fmt.Errorf("want at most %d scans, have %d", maxScans, n)
	}
	return jpeg.Decode(r)
}

// leastJPEG: an 8x8 block takes at least one bit of Huffman code, and with one
// component, or chroma over 2x2 blocks, there is a block per 64 pixels or more.
func leastJPEG(_ []byte, w, h int) int { return w * h / (8 * 64 * 2) }

// leastPNG: deflate packs at most 1032 bytes into one (zlib's technical
// details), and IHDR tells the bytes of all rows, each with its filter byte.
func leastPNG(data []byte, w, h int) int {
	if len(data) < 26 {
		return 26
	}
	samples := map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[data[25]]
	return h * (1 + (w*samples*int(data[24])+7)/8) / 1032
}
