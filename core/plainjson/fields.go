package plainjson

import "fmt"

// Fields reads an object whose fields are all in known, by where they go: *string as Text, *int, *float64, *float32, *[3]float32, or a
// func(*Scanner) error that reads the value. A field that is missing leaves its place as it was. It panics on a place of another type.
func (s *Scanner) Fields(known map[string]any) error {
	return s.Object(func(name string) (err error) {
		place, ok := known[name]
		if !ok {
			return Unknown(name)
		}
		switch to := place.(type) {
		case *string:
			*to, err = s.Text()
		case *int:
			err = s.Integer(to)
		case *float64:
			*to, err = s.Real(64)
		case *float32:
			var x float64
			x, err = s.Real(32)
			*to = float32(x)
		case *[3]float32:
			err = s.Three(to)
		case func(*Scanner) error:
			err = to(s)
		default:
			panic(fmt.Sprintf("plainjson: Fields: %q: no value goes to %T", name, place))
		}
		return err
	})
}

// Word is the place of a field that is read as Scanner.Word.
func Word(to *string) func(*Scanner) error {
	return func(s *Scanner) (err error) {
		*to, err = s.Word()
		return err
	}
}

// Integers is the place of a field that is a list of integers, which are appended.
func Integers(to *[]int) func(*Scanner) error {
	return func(s *Scanner) error {
		return s.List('[', ']', func() error {
			*to = append(*to, 0)
			return s.Integer(&(*to)[len(*to)-1])
		})
	}
}

// Field writes a name and its value: a string, int, float64, float32 or [3]float32, as Fields reads it. It panics on another type and on
// what is not finite.
func (w *Writer) Field(name string, value any) {
	w.Name(name)
	switch x := value.(type) {
	case string:
		w.Text(x)
	case int:
		w.Integer(x)
	case float64:
		w.Real(x, 64)
	case float32:
		w.Real(float64(x), 32)
	case [3]float32:
		w.List(func() {
			for _, v := range x {
				w.Real(float64(v), 32)
			}
		})
	default:
		panic(fmt.Sprintf("plainjson: Field: %q: no value is a %T", name, value))
	}
}
