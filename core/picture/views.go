package picture

// ViewCount is how many pictures [Picture.Views] returns.
const ViewCount = 8

// Views returns the picture itself and seven copies of its size as it may have been taken instead: mirrored, nearer and by the side, wider and higher. Whole
// pixels are cut off and the rest is resized, so the bits are the same everywhere. Chosen on validation sets (docs/RESULTS.md, Views). It panics if p is empty.
func (p *Picture) Views() []*Picture {
	w, h := p.Width, p.Height
	nearW, nearH := max(w*7/8, 1), max(h*7/8, 1)
	midW, midH := max(w*3/4, 1), max(h*3/4, 1)
	crop := func(x, y, width, height int) *Picture { return p.Crop(x, y, width, height).Resize(w, h) }
	return []*Picture{
		p,
		p.Mirror(),
		crop((w-midW)/2, 0, midW, h),
		crop(0, (h-midH)/2, w, midH).Mirror(),
		crop(0, 0, nearW, nearH),
		crop(w-nearW, h-nearH, nearW, nearH),
		crop(0, h-nearH, nearW, nearH).Mirror(),
		crop(w-nearW, 0, nearW, nearH).Mirror(),
	}
}
