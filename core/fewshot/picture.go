package fewshot

import (
	"fmt"

	"haguruma/core/picture"
)

// Picture reads and decodes one image, by its class and image index. Errors name the class and the image:
// those of [Dataset.Bytes], and those of picture.Decode for bytes that are no picture or over the limits.
func (d *Dataset) Picture(class, image int, limits picture.Limits) (*picture.Picture, error) {
	data, err := d.Bytes(class, image)
	if err != nil {
		return nil, err
	}
	pic, err := picture.Decode(data, limits)
	if err != nil {
		c := &d.Classes[class]
		return nil, fmt.Errorf("fewshot: %s: %s/%s: %w", d.Name, c.Name, c.Images[image].Name, err)
	}
	return pic, nil
}
