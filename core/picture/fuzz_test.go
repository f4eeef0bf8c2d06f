package picture

import (
	"io/fs"
	"runtime"
	"strings"
	"testing"
)

// FuzzDecode: no panic; every error wraps a sentinel; a picture is inside the
// limits; the memory taken is bounded by them.
func FuzzDecode(f *testing.F) {
	names, err := fs.Glob(fixtures, "testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".rgb") {
			f.Add(fixture(f, strings.TrimPrefix(name, "testdata/")))
		}
	}
	f.Add(hugePNG(8000, 8000, 100))
	limits := Limits{MaxBytes: 1 << 14, MaxPixels: 1 << 12}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := Decode(data, limits)
		runtime.ReadMemStats(&after)
		// Decoders' tables, of which lossless WebP may ask for 65,536 groups.
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("want at most 64 MiB for %d bytes, have %d", len(data), used)
		}
		if err != nil {
			if p != nil || !named(err) {
				t.Errorf("want nil and a named error, have %v, %v", p, err)
			}
			return
		}
		if p.Width < 1 || p.Height < 1 || p.Width*p.Height > limits.MaxPixels || len(p.Pix) != channels*p.Width*p.Height {
			t.Fatalf("want a picture inside %+v, have %d x %d, %d bytes", limits, p.Width, p.Height, len(p.Pix))
		}
		p.Square(16)
	})
}
