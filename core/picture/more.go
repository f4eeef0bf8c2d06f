//go:build !browser

package picture

import (
	"encoding/binary"
	"image/gif"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// The formats that a browser reads itself; foreign.go has them for the engine of a page.
var (
	gifFormat  = &format{name: "GIF", config: gif.DecodeConfig, image: gif.Decode, leastBytes: noLeast, turn: noTurn, frames: true}
	webpFormat = &format{name: "WebP", config: webp.DecodeConfig, image: decodeWebP, leastBytes: noLeast, turn: webpTurn, frames: true, studio: true}
	bmpFormat  = &format{name: "BMP", config: bmp.DecodeConfig, image: bmp.Decode, leastBytes: leastBMP, turn: noTurn}
)

func noTurn([]byte) orientation { return upright }

// noLeast: the pixels of a lossless WebP of one colour take no bits at all,
// and a GIF's frame may be smaller than its screen.
func noLeast([]byte, int, int) int { return 0 }

// leastBMP: rows of whole 4-byte words, not compressed.
func leastBMP(data []byte, w, h int) int {
	if len(data) < 30 {
		return 30
	}
	bits := int(binary.LittleEndian.Uint16(data[28:]))
	return h * ((w*bits + 31) / 32 * 4)
}
