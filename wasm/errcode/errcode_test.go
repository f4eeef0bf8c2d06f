//go:build js && wasm

package errcode

import (
	"errors"
	"fmt"
	"testing"

	"haguruma/adapt"
	"haguruma/core/picture"
)

// TestOf: codes of package adapt come first, then the front's own in their order, then those of pictures.
func TestOf(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	own := []Named{{first, "first"}, {second, "second"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("at: %w", second), "second"},
		{fmt.Errorf("%w: %w", second, first), "first"},
		{fmt.Errorf("%w: %w", picture.ErrEmpty, second), "second"},
		{fmt.Errorf("%w: %w", first, adapt.ErrBadName), adapt.CodeBadName},
		{fmt.Errorf("at: %w", picture.ErrTruncated), "picture_truncated"},
		{picture.ErrForeign, "picture_format"},
		{errors.New("another"), Internal},
	} {
		if have := Of(c.err, own); have != c.want {
			t.Errorf("%v: have %q, want %q", c.err, have, c.want)
		}
	}
}
