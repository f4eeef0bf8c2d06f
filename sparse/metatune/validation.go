package metatune

import (
	"context"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
)

// The figures watched while training: few-shot accuracy on validation
// classes, on a fixed subset that takes seconds.
const (
	validationPerClass = 20
	validationClasses  = 60
	validationEpisodes = 200
	validationSeed     = 20240501
)

// validation holds the decoded validation pictures of every training set.
type validation struct {
	sets []*fewshot.Dataset
	pics [][][]*picture.Picture // (set, class, image)
}

func newValidation(ctx context.Context, cfg PretrainConfig, splits fewshot.Splits, progress Progress) (*validation, error) {
	v := &validation{}
	for _, s := range cfg.Sets {
		d, err := splits.Open(s.Name, fewshot.Val)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		if len(d.Classes) > validationClasses {
			d.Classes = d.Classes[:validationClasses]
		}
		for i := range d.Classes {
			d.Classes[i].Images = d.Classes[i].Images[:share(len(d.Classes[i].Images), validationPerClass)]
		}
		pics, err := decodeAll(ctx, d, 0, progress)
		if err != nil {
			return nil, err
		}
		v.sets = append(v.sets, d)
		v.pics = append(v.pics, pics)
	}
	return v, nil
}

// run measures the model at a picture size: 5-way 1-shot and 5-way 5-shot of
// every set.
func (v *validation) run(params *vit.Params[float32], size int) []Score {
	var out []Score
	method := floatAt("validation", params, size)
	for i, d := range v.sets {
		e, err := embedPictures(context.Background(), d, v.pics[i], method, nil)
		if err != nil {
			panic("metatune: validation: " + err.Error()) // only a cancelled context can fail
		}
		for _, shot := range []int{1, 5} {
			acc, err := e.Accuracy(5, shot, validationEpisodes, validationSeed)
			if err != nil {
				continue // a set with too few classes has no such figure
			}
			out = append(out, newScore(acc, d.Name, 5, shot))
		}
	}
	return out
}
