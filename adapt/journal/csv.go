package journal

import (
	"strconv"
	"strings"
	"unicode"

	"haguruma/core/plainjson"
)

// ByteOrderMark makes spreadsheets read a CSV file as UTF-8.
const ByteOrderMark = "\ufeff"

// CSV returns the entries as a table for spreadsheets. Facts are in one cell each entry, name: value; name: value.
func CSV(entries []Entry) []byte {
	rows := [][]string{{"entry", "time (UTC)", "kind", "details", "bundle", "adapter"}}
	for i := range entries {
		e := &entries[i]
		// A space in place of the T is what spreadsheets take for a time.
		when := strings.Replace(strings.TrimSuffix(e.Time, "Z"), "T", " ", 1)
		rows = append(rows, []string{strconv.Itoa(e.Number), when, string(e.Kind), e.Words(), e.Bundle, e.Adapter})
	}
	return Table(rows)
}

// Table returns rows as a CSV file for spreadsheets: UTF-8 with byte order mark, lines end with CR LF (RFC 4180), no cell is a formula.
func Table(rows [][]string) []byte {
	out := []byte(ByteOrderMark)
	for _, row := range rows {
		for i, text := range row {
			if i > 0 {
				out = append(out, ',')
			}
			text = Cell(text)
			if strings.ContainsAny(text, "\",\r\n") || strings.HasPrefix(text, " ") {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			out = append(out, text...)
		}
		out = append(out, "\r\n"...)
	}
	return out
}

// Words is the details for people: name: value; name: value, on one line.
func (e *Entry) Words() string {
	words := make([]string, len(e.Details))
	for i, d := range e.Details {
		value := d.JSON
		plainjson.Read(value, func(s *plainjson.Scanner) error { // a text without its quotes; all else stays as it is
			text, err := s.Text()
			if err == nil {
				value = text
			}
			return err
		})
		words[i] = d.Name + ": " + strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, value)
	}
	return strings.Join(words, "; ")
}

// Cell keeps a spreadsheet from taking a text for a formula.
func Cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
