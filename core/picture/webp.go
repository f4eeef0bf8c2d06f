//go:build !browser

package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// chunk returns the RIFF chunk at the front of data and what follows it; ok is
// false at the end of data or when the chunk is cut.
func chunk(data []byte) (name string, body, rest []byte, ok bool) {
	if len(data) < 8 {
		return "", nil, nil, false
	}
	n := binary.LittleEndian.Uint32(data[4:])
	name, rest = string(data[:4]), data[8:]
	if uint64(n) > uint64(len(rest)) {
		return "", nil, nil, false
	}
	body, rest = rest[:n], rest[n:]
	return name, body, rest[min(int(n&1), len(rest)):], true // chunks are even
}

// decodeWebP decodes a WebP file, of an animation the first frame, at its
// place on the screen.
func decodeWebP(r io.Reader) (image.Image, error) {
	const (
		head     = 12     // RIFF, size, WEBP
		animated = 1 << 1 // of VP8X
	)
	name, body, rest, ok := chunk(r.(*source).data[head:]) // sniff saw the head
	if !ok || name != "VP8X" || len(body) != 10 || body[0]&animated == 0 {
		return webp.Decode(r)
	}
	width, height := 1+uint24(body[4:]), 1+uint24(body[7:])
	for {
		if name, body, rest, ok = chunk(rest); !ok {
			return nil, io.ErrUnexpectedEOF
		}
		if name == "ANMF" {
			return decodeANMF(body, image.Rect(0, 0, width, height))
		}
	}
}

// decodeANMF decodes one frame of an animation by making a still of it
// ("WebP Container Specification", section Animation).
func decodeANMF(frame []byte, screen image.Rectangle) (image.Image, error) {
	const head = 16 // x/2, y/2, width-1, height-1, duration: 3 bytes each; flags
	if len(frame) < head {
		return nil, io.ErrUnexpectedEOF
	}
	at := image.Pt(2*uint24(frame), 2*uint24(frame[3:]))
	size := image.Pt(1+uint24(frame[6:]), 1+uint24(frame[9:]))
	if place := (image.Rectangle{Min: at, Max: at.Add(size)}); !place.In(screen) {
		return nil, fmt.Errorf("want the first frame on the screen %v, have it on %v", screen, place)
	}
	// VP8X goes first: it makes the decoder hold the size of the pixel data
	// against the size that we checked.
	vp8x := append([]byte("VP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), frame[6:12]...)
	var still []byte
	for rest := frame[head:]; ; {
		name, body, next, ok := chunk(rest)
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		if name == "ALPH" {
			vp8x[8] = 1 << 4
		}
		if name == "ALPH" || name == "VP8 " || name == "VP8L" {
			still = append(still, rest[:8]...)
			still = append(still, body...)
			if len(body)%2 == 1 {
				still = append(still, 0)
			}
		}
		if name == "VP8 " || name == "VP8L" {
			break
		}
		rest = next
	}
	file := append([]byte("RIFF\x00\x00\x00\x00WEBP"), vp8x...)
	file = append(file, still...)
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	m, err := webp.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	switch m := m.(type) { // at is even: chroma stays where it is
	case *image.YCbCr:
		m.Rect = m.Rect.Add(at)
	case *image.NYCbCrA:
		m.Rect = m.Rect.Add(at)
	case *image.NRGBA:
		m.Rect = m.Rect.Add(at)
	default:
		return nil, errors.New("a frame of a kind we do not know")
	}
	return m, nil
}

// webpTurn finds the orientation in a WebP's EXIF chunk.
func webpTurn(data []byte) orientation {
	for rest := data[min(12, len(data)):]; ; {
		name, body, next, ok := chunk(rest)
		if !ok {
			return upright
		}
		if name == "EXIF" {
			// Some writers keep JPEG's prefix.
			return tiffTurn(bytes.TrimPrefix(body, []byte(exifPrefix)))
		}
		rest = next
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
