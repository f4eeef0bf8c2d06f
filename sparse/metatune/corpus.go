package metatune

import (
	"context"
	"fmt"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// Kind says how the pictures of a set may be changed without changing what
// they show.
type Kind string

const (
	Photo     Kind = "photo"     // mirrored, cropped, recoloured
	Character Kind = "character" // never mirrored; a quarter turn makes another class
	Texture   Kind = "texture"   // meta-tuning: a class is one picture, its examples are small crops of it, turned and mirrored
	Defect    Kind = "defect"    // meta-tuning: a class is a made-up defect on crops of one picture, as an inspector sees parts
)

// Set is one source of labelled pictures for training, with its share of the
// mixture.
type Set struct {
	Name   string  `json:"name"`
	Kind   Kind    `json:"kind"`
	Weight float64 `json:"weight"` // share of the micro-batches, relative
}

// pixels is a set in memory: every picture decoded once to a square.
type pixels struct {
	Set
	size   int        // width = height of each picture
	images [][][]byte // (class, image) -> size*size*3 interleaved RGB
	labels int        // classes of the classifier: 4 per class for characters (quarter turns)
}

// loadPixels decodes the training classes of each set, over all cores. Broken
// pictures are an error: training data is ours to keep clean. A set that is
// there in several kinds shares its pictures.
func loadPixels(ctx context.Context, splits fewshot.Splits, sets []Set, size int, progress Progress) ([]*pixels, error) {
	var out []*pixels
	decoded := make(map[string]*pixels)
	for _, s := range sets {
		if px, ok := decoded[s.Name]; ok && s.Kind != Character {
			out = append(out, &pixels{Set: s, size: size, images: px.images, labels: px.labels})
			continue
		}
		d, err := splits.Open(s.Name, fewshot.Train)
		if err != nil {
			return nil, err
		}
		px := &pixels{Set: s, size: size, labels: len(d.Classes)}
		if s.Kind == Character {
			px.labels *= 4
		}
		px.images = make([][][]byte, len(d.Classes))
		for c := range d.Classes {
			px.images[c] = make([][]byte, len(d.Classes[c].Images))
		}
		err = forEachImage(ctx, d, 0, "decode "+s.Name, progress, func(class, image int, pic *picture.Picture) {
			px.images[class][image] = pic.Square(size).Pix
		})
		d.Close()
		if err != nil {
			return nil, fmt.Errorf("metatune: %s: %w", s.Name, err)
		}
		out = append(out, px)
		if s.Kind != Character {
			decoded[s.Name] = px
		}
	}
	return out, nil
}

// decodeAll decodes the pictures of d, the first perClass of each class when
// perClass > 0.
func decodeAll(ctx context.Context, d *fewshot.Dataset, perClass int, progress Progress) ([][]*picture.Picture, error) {
	pics := make([][]*picture.Picture, len(d.Classes))
	for c := range d.Classes {
		pics[c] = make([]*picture.Picture, share(len(d.Classes[c].Images), perClass))
	}
	err := forEachImage(ctx, d, perClass, "decode "+d.Name, progress, func(class, image int, pic *picture.Picture) { pics[class][image] = pic })
	return pics, err
}

// share is how many of n pictures take part: the first perClass, or all.
func share(n, perClass int) int {
	if perClass > 0 {
		return min(n, perClass)
	}
	return n
}

// forEachImage decodes every picture of d, the first perClass of each class
// when perClass > 0, over all cores and calls fn from several goroutines.
func forEachImage(ctx context.Context, d *fewshot.Dataset, perClass int, what string, progress Progress, fn func(class, image int, pic *picture.Picture)) error {
	type job struct{ class, image int }
	var jobs []job
	for c := range d.Classes {
		for i := range share(len(d.Classes[c].Images), perClass) {
			jobs = append(jobs, job{c, i})
		}
	}
	return tryEachCore(ctx, len(jobs), func() func(i int) error {
		return func(i int) error {
			j := jobs[i]
			pic, err := decodeImage(d, j.class, j.image)
			if err == nil {
				fn(j.class, j.image, pic)
			}
			return err
		}
	}, func(n int) {
		if n%256 == 0 || n == len(jobs) {
			progress.report(what, n, len(jobs), "")
		}
	})
}

func decodeImage(d *fewshot.Dataset, class, image int) (*picture.Picture, error) {
	data, err := d.Bytes(class, image)
	if err != nil {
		return nil, err
	}
	pic, err := picture.Decode(data, picture.DefaultLimits)
	if err != nil {
		return nil, fmt.Errorf("class %q, image %q: %w", d.Classes[class].Name, d.Classes[class].Images[image].Name, err)
	}
	return pic, nil
}
