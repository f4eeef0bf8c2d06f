package carry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"haguruma/adapt"
)

// ErrNotes: bytes that Notes did not write.
var ErrNotes = errors.New("not notes of a version")

const maxText = 1 << 10 // bytes of a verdict's code or reason

// Notes is what a front keeps of a version in use beside its adapter, so that Recall can bring all of it back: parent, verdict, and what the examples said
// of each other. Little-endian; read by ReadNotes of the same program only.
func Notes(t *adapt.Task) []byte {
	v, l := t.Version(), t.InUse()
	if l == nil {
		return nil
	}
	k := l.Kept()
	n := binary.LittleEndian
	var out []byte
	whole := func(values ...int) {
		for _, x := range values {
			out = n.AppendUint32(out, uint32(x))
		}
	}
	text := func(s string) {
		s = s[:min(len(s), maxText)]
		whole(len(s))
		out = append(out, s...)
	}
	whole(v.Parent, v.Verdict.Compared, v.Verdict.Hits, v.Verdict.Before)
	out = n.AppendUint64(out, math.Float64bits(v.Verdict.LogLoss))
	out = n.AppendUint64(out, math.Float64bits(v.Verdict.LogBefore))
	text(v.Verdict.Code)
	text(v.Verdict.Reason)
	whole(len(k.Support))
	for _, m := range k.Support {
		whole(m.Example, m.Label)
	}
	for _, p := range k.LeftOut {
		out = n.AppendUint32(out, math.Float32bits(p))
	}
	return out
}

// ReadNotes reads what Notes wrote into a Recalled. The error wraps ErrNotes; memory is in proportion to data.
func ReadNotes(data []byte) (r adapt.Recalled, err error) {
	n := binary.LittleEndian
	take := func(length int) []byte {
		if length < 0 || length > len(data) {
			err = fmt.Errorf("carry: want %d bytes more, have %d: %w", length, len(data), ErrNotes)
			data, length = make([]byte, 16), min(max(length, 0), 16)
		}
		part := data[:length]
		data = data[length:]
		return part
	}
	whole := func() int { return int(int32(n.Uint32(take(4)))) }
	real := func() float64 { return math.Float64frombits(n.Uint64(take(8))) }
	v := &r.Verdict
	r.Parent, v.Compared, v.Hits, v.Before = whole(), whole(), whole(), whole()
	v.LogLoss, v.LogBefore = real(), real()
	v.Code, v.Reason = string(take(whole())), string(take(whole()))
	count := whole()
	if err != nil || count < 0 || count > len(data)/8 {
		return adapt.Recalled{}, fmt.Errorf("carry: %d examples in %d bytes: %w", count, len(data), ErrNotes)
	}
	for range count {
		r.Support = append(r.Support, adapt.Member{Example: whole(), Label: whole()})
	}
	if len(data)%4 != 0 {
		return adapt.Recalled{}, fmt.Errorf("carry: %d bytes too many: %w", len(data)%4, ErrNotes)
	}
	for len(data) > 0 {
		p := math.Float32frombits(n.Uint32(take(4)))
		if !(p >= 0 && p <= 1) {
			return adapt.Recalled{}, fmt.Errorf("carry: a probability of %v: %w", p, ErrNotes)
		}
		r.LeftOut = append(r.LeftOut, p)
	}
	return r, nil
}
