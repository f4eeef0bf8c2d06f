package picture

import (
	"bytes"
	"encoding/binary"
)

// exifPrefix opens the APP1 segment that holds EXIF data.
const exifPrefix = "Exif\x00\x00"

// jpegTurn finds the orientation in a JPEG's first EXIF segment (APP1).
func jpegTurn(data []byte) orientation {
	at := 2 // after SOI
	for at+4 <= len(data) && data[at] == 0xff {
		marker := data[at+1]
		switch {
		case marker == 0xff: // fill
			at++
			continue
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8: // no length
			at += 2
			continue
		case marker == 0xd9 || marker == 0xda: // the end, or the pixels
			return upright
		}
		n := int(binary.BigEndian.Uint16(data[at+2:])) // counts itself
		if n < 2 || n > len(data)-at-2 {
			return upright
		}
		if body := data[at+4 : at+2+n]; marker == 0xe1 && bytes.HasPrefix(body, []byte(exifPrefix)) {
			return tiffTurn(body[len(exifPrefix):])
		}
		at += 2 + n
	}
	return upright
}

// pngTurn finds the orientation in a PNG's eXIf chunk.
func pngTurn(data []byte) orientation {
	const head, crc = 8, 4 // a chunk's length and name; its checksum
	for at := 8; len(data)-at >= head+crc; {
		n := binary.BigEndian.Uint32(data[at:])
		if uint64(n) > uint64(len(data)-at-head-crc) {
			return upright
		}
		switch string(data[at+4 : at+8]) {
		case "eXIf":
			return tiffTurn(data[at+head : at+head+int(n)])
		case "IEND":
			return upright
		}
		at += head + int(n) + crc
	}
	return upright
}

// tiffTurn reads the orientation tag of the first directory of a TIFF, the
// form of EXIF data (TIFF 6.0, section 2). Whatever is not well formed leaves
// the picture as it is: the tag is advice.
func tiffTurn(tiff []byte) orientation {
	const (
		tagOrientation = 0x0112
		typeShort      = 3
		typeLong       = 4
		entryBytes     = 12
	)
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	dir := tiff[at:]
	n := int(order.Uint16(dir))
	for dir = dir[2:]; n > 0 && len(dir) >= entryBytes; n-- {
		entry := dir[:entryBytes]
		dir = dir[entryBytes:]
		if order.Uint16(entry) != tagOrientation || order.Uint32(entry[4:]) != 1 {
			continue
		}
		var v uint32
		switch order.Uint16(entry[2:]) {
		case typeShort:
			v = uint32(order.Uint16(entry[8:]))
		case typeLong:
			v = order.Uint32(entry[8:])
		}
		if v >= uint32(upright) && v <= uint32(turnedLeft) {
			return orientation(v)
		}
		return upright
	}
	return upright
}
