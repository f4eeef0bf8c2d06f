package main

import (
	"image/color"
	"os"
	"strings"
	"testing"

	"haguruma/core/picture"
)

// TestHeatNames: maps have files of their own whatever pictures and classes are called, on file systems that take 255 bytes and do not tell a from A.
func TestHeatNames(t *testing.T) {
	maps, err := openHeat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pic, err := picture.Decode(encodePNG(t, testImage(color.RGBA{200, 0, 0, 255}, 1)), picture.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	long, names := strings.Repeat("歯車", 60), map[string]bool{}
	for _, file := range []string{long + ".jpg", "a.jpg", "A.jpg"} {
		for _, class := range []string{long, long + "2", "ok", "OK", "o/k"} {
			path, err := maps.write(file, pic, class, make([]float32, 4), 2)
			if err != nil {
				t.Fatalf("%s, %s: %v", file, class, err)
			}
			names[strings.ToLower(path)] = true
		}
	}
	files, err := os.ReadDir(maps.path)
	if err != nil || len(names) != 15 || len(files) != 15 {
		t.Errorf("%d names and %d files of 15 maps: %v", len(names), len(files), err)
	}
}
