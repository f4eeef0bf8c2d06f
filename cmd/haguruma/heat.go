package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"haguruma/core/picture"
	"haguruma/core/tensorfile"
)

// errOccupied: a folder for heat maps that has other files already.
var errOccupied = errors.New("want a new or an empty folder for heat maps")

// heatSide is how many pixels a heat map has at least.
const heatSide = 256

// heatFolder writes heat maps beside each other, none over another.
type heatFolder struct {
	path  string
	names map[string]bool
}

// openHeat makes the folder; files in it are not ours to write over.
func openHeat(path string) (*heatFolder, error) {
	if strangers, err := os.ReadDir(path); err == nil && len(strangers) > 0 {
		return nil, fmt.Errorf("%s: there is %s in it: %w", path, strangers[0].Name(), errOccupied)
	}
	return &heatFolder{path, map[string]bool{}}, os.MkdirAll(path, 0o777)
}

// write draws the map over what the network sees of the picture, and returns the path of the file: the picture's name and the class.
func (h *heatFolder) write(file string, pic *picture.Picture, class string, grid []float32, side int) (string, error) {
	base := filepath.Base(file)
	stem := shorten(strings.TrimSuffix(base, filepath.Ext(base))) + "-" + shorten(fileName(class))
	name := stem
	for n := 2; h.names[strings.ToLower(name)]; n++ { // some file systems do not tell a from A
		name = stem + "-" + strconv.Itoa(n)
	}
	h.names[strings.ToLower(name)] = true
	var data bytes.Buffer
	if err := png.Encode(&data, drawHeat(pic, grid, side)); err != nil {
		return "", err
	}
	path := filepath.Join(h.path, name+".png")
	return path, tensorfile.WriteFile(path, data.Bytes())
}

// fileName keeps the name of a class to what every file system takes.
func fileName(class string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, class)
}

// shorten leaves at most 100 bytes, whole characters: two of them, a number and an ending are within the 255 that file systems take.
func shorten(name string) string {
	for len(name) > 100 {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}

var (
	heatFor     = color.RGBA{255, 96, 0, 255}
	heatAgainst = color.RGBA{0, 96, 255, 255}
)

// drawHeat colors the square that the network sees: orange for the class, blue against it, the stronger the farther from 0; the strongest patch sets the scale.
func drawHeat(pic *picture.Picture, grid []float32, side int) image.Image {
	cell := (heatSide + side - 1) / side
	size := side * cell
	square := pic.Square(size)
	var most float32
	for _, v := range grid {
		most = max(most, v, -v)
	}
	out := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			v := between(grid, side, (float32(x)+0.5)/float32(cell)-0.5, (float32(y)+0.5)/float32(cell)-0.5)
			tint := heatFor
			if v < 0 {
				tint, v = heatAgainst, -v
			}
			part := float32(0)
			if most > 0 {
				part = 0.65 * v / most
			}
			at := 3 * (y*size + x)
			mix := func(c int, to uint8) uint8 { return uint8((1-part)*float32(square.Pix[at+c]) + part*float32(to) + 0.5) }
			out.SetRGBA(x, y, color.RGBA{mix(0, tint.R), mix(1, tint.G), mix(2, tint.B), 255})
		}
	}
	return out
}

// between is the value of a grid between its cells, by bilinear interpolation; beyond its border cells it is theirs.
func between(grid []float32, side int, x, y float32) float32 {
	x, y = min(max(x, 0), float32(side-1)), min(max(y, 0), float32(side-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, side-1), min(y0+1, side-1)
	fx, fy := x-float32(x0), y-float32(y0)
	upper := (1-fx)*grid[y0*side+x0] + fx*grid[y0*side+x1]
	lower := (1-fx)*grid[y1*side+x0] + fx*grid[y1*side+x1]
	return (1-fy)*upper + fy*lower
}
