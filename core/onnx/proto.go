package onnx

import (
	"encoding/binary"
	"math"
)

// message is an encoded protocol buffer message, grown field by field.
// Source: protobuf.dev/programming-guides/encoding.
type message []byte

// Wire types.
const (
	wireVarint = 0
	wireLength = 2
	wire32     = 5
)

func (m *message) tag(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire))
}

func (m *message) integer(field int, v int64) {
	m.tag(field, wireVarint)
	*m = binary.AppendUvarint(*m, uint64(v)) // negative numbers take ten bytes, as int64 fields do
}

func (m *message) float(field int, v float32) {
	m.tag(field, wire32)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

func (m *message) text(field int, s string) {
	m.bytes(field, []byte(s))
}

// bytes adds a field of bytes, or of another message.
func (m *message) bytes(field int, data []byte) {
	m.begin(field, len(data))
	*m = append(*m, data...)
}

// begin adds the field of so many bytes that come next.
func (m *message) begin(field, length int) {
	m.tag(field, wireLength)
	*m = binary.AppendUvarint(*m, uint64(length))
}
