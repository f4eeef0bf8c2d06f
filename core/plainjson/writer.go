package plainjson

import (
	"strconv"
	"strings"
)

// Writer builds one JSON text without white space, value by value; commas come by themselves. Equal values give equal bytes. The zero Writer
// is ready.
type Writer struct{ text []byte }

// Bytes returns what was written, which the next call may change.
func (w *Writer) Bytes() []byte { return w.text }

func (w *Writer) String() string { return string(w.text) }

// next puts the comma that the value or name to come needs.
func (w *Writer) next() {
	if len(w.text) > 0 && !strings.ContainsRune("{[:", rune(w.text[len(w.text)-1])) {
		w.text = append(w.text, ',')
	}
}

// Object writes {fields}.
func (w *Writer) Object(fields func()) { w.enclose('{', '}', fields) }

// List writes [values].
func (w *Writer) List(values func()) { w.enclose('[', ']', values) }

func (w *Writer) enclose(open, end byte, inner func()) {
	w.next()
	w.text = append(w.text, open)
	inner()
	w.text = append(w.text, end)
}

// Name begins a field, whose value comes next. It is read back by Scanner.Object when it is printable ASCII without quotes and backslashes.
func (w *Writer) Name(name string) {
	w.Text(name)
	w.text = append(w.text, ':')
}

// Text writes a string, in the one spelling that Scanner.Text reads; what is not UTF-8 becomes U+FFFD.
func (w *Writer) Text(text string) {
	w.next()
	w.text = append(w.text, '"')
	text = strings.ToValidUTF8(text, "\uFFFD")
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			w.text = append(w.text, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c == '"', c == '\\':
			w.text = append(w.text, '\\', c)
		default:
			w.text = append(w.text, c)
		}
	}
	w.text = append(w.text, '"')
}

// Integer writes a number without fraction.
func (w *Writer) Integer(x int) {
	w.next()
	w.text = strconv.AppendInt(w.text, int64(x), 10)
}

// Real writes the shortest number that reads back as the same float of 32 or 64 bits. It panics on what JSON has no number for: check first.
func (w *Writer) Real(x float64, bits int) {
	if x-x != 0 {
		panic("plainjson: Writer.Real: not finite")
	}
	w.next()
	w.text = strconv.AppendFloat(w.text, x, 'g', -1, bits)
}

// Flag writes true or false.
func (w *Writer) Flag(x bool) {
	w.next()
	w.text = strconv.AppendBool(w.text, x)
}

// Raw writes what is JSON already.
func (w *Writer) Raw(text string) {
	w.next()
	w.text = append(w.text, text...)
}

// Space appends a space, which means nothing behind the value that ends the text.
func (w *Writer) Space() { w.text = append(w.text, ' ') }
