package vit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"haguruma/core/tensorfile"
)

// Import is a checkpoint of another project, read.
type Import struct {
	Params *Params[float32]
	Layout string // one of Layouts
	Prefix string // of every name of the backbone in the file
	// Ignored are the names of tensors that are no part of the backbone: classifiers, heads of the training, other models.
	Ignored []string
	// From says where heads, eps, mean and std came from: the source of a Hint, or the layout.
	From map[string]string
	// Positions is how the project resizes position embeddings; see Params.ResizePositions.
	Positions PositionRule
}

// ImportParams reads a ViT checkpoint of timm, DeiT, DINO, DINOv2 or Hugging Face. The layout, one of Layouts, is found
// by the names when it is "" or "auto", the config by the shapes. What shapes do not tell comes from the hints, of which
// the later win (metadata "config" of the file itself is the first of them), else it is the layout's usual.
//
// LayerScale and registers are kept. Positions of registers (timm, and the distillation token of DeiT, which is a register
// here) are added to them, a class token without a position gets one of zeros, and so does qkv without bias.
//
// Classifiers are left out and listed; any other tensor that this backbone has no place for is an error, because leaving
// it out would change the embedding. Errors wrap ErrConfig, ErrUnsupported or tensorfile's sentinels and name the tensor
// or the hint.
func ImportParams(f *tensorfile.File, wanted string, hints ...Hint) (*Import, error) {
	if wanted == "auto" {
		wanted = ""
	}
	if wanted != "" && !slices.Contains(Layouts(), wanted) {
		return nil, fmt.Errorf("vit: layout: want one of %q, have %q: %w", Layouts(), wanted, ErrConfig)
	}
	if text := f.Metadata[metaConfig]; text != "" {
		hints = append([]Hint{{fmt.Sprintf("metadata %q", metaConfig), text}}, hints...)
	}
	timm := false
	for _, h := range hints {
		read, err := h.parse()
		if err != nil {
			return nil, err
		}
		timm = timm || read.Architecture != ""
	}
	l, prefix, err := detect(f, wanted, timm)
	if err != nil {
		return nil, err
	}
	if err := refuseForeign(f, prefix); err != nil {
		return nil, err
	}
	r := &importer{file: f, layout: l, prefix: prefix, known: map[string]bool{}}
	c, err := r.config()
	if err != nil {
		return nil, err
	}
	from := map[string]string{}
	for _, what := range []string{"heads", "eps", "mean", "std"} {
		from[what] = "layout " + l.name
	}
	c.Heads = usualHeads(c.Dim)
	for _, h := range hints {
		if err := h.apply(&c, from); err != nil {
			return nil, err
		}
	}
	if c.Heads == 0 {
		return nil, fmt.Errorf("vit: heads: dim %d is not a multiple of 64 and nothing says how many there are: %w", c.Dim, ErrConfig)
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	params, err := r.params(c)
	if err != nil {
		return nil, err
	}
	rule := l.rule
	if c.Registers > 0 {
		rule = l.registerRule
	}
	return &Import{params, l.name, prefix, r.left, from, rule}, nil
}

// usualHeads is the number of heads of the published width: one for each 64 channels but in the largest.
// Source: timm/models/vision_transformer.py, vit_huge, vit_giant and vit_gigantic.
func usualHeads(dim int) int {
	switch {
	case dim == 1280 || dim == 1408 || dim == 1664:
		return 16
	case dim%64 == 0:
		return dim / 64
	}
	return 0
}

// importer reads one file of a known layout.
type importer struct {
	file      *tensorfile.File
	layout    *layout
	prefix    string
	known     map[string]bool // names that were read
	left      []string
	positions int // in the file: of the patches, with or without the class token and the registers
}

// find returns the parts of our tensor by the names that the file has; when it has none of them, by the usual ones.
func (r *importer) find(ours string) (parts []string, found bool) {
	ways := r.layout.spelling.theirs(ours)
	for _, parts := range ways {
		for _, part := range parts {
			if _, ok := r.file.Tensor(r.prefix + part); ok {
				return parts, true
			}
		}
	}
	if len(ways) == 0 {
		return nil, false
	}
	return ways[0], false
}

// shape returns the shape of the first part of our tensor.
func (r *importer) shape(ours string, rank int) ([]int, error) {
	parts, _ := r.find(ours)
	name := r.prefix + parts[0]
	t, ok := r.file.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("vit: tensor %q: have none: %w", name, tensorfile.ErrFormat)
	}
	if len(t.Shape) != rank {
		return nil, fmt.Errorf("vit: tensor %q: want %d dimensions, have shape %v: %w", name, rank, t.Shape, tensorfile.ErrShape)
	}
	return t.Shape, nil
}

// config derives from the shapes what they tell.
func (r *importer) config() (Config, error) {
	var c Config
	proj, err := r.shape("patch_embed.proj.weight", 4)
	if err != nil {
		return c, err
	}
	positions, err := r.shape("pos_embed", 3)
	if err != nil {
		return c, err
	}
	fc1, err := r.shape("blocks.0.mlp.fc1.weight", 2)
	if err != nil {
		return c, err
	}
	fc2, err := r.shape("blocks.0.mlp.fc2.weight", 2)
	if err != nil {
		return c, err
	}
	if fc1[0] == 2*fc2[1] { // timm packs both halves of SwiGLU into fc1
		parts, _ := r.find("blocks.0.mlp.fc1.weight")
		return c, fmt.Errorf("vit: tensor %q: want %d rows as fc2 has columns, have %d: %s: %w", r.prefix+parts[0], fc2[1], fc1[0], swiGLU, ErrUnsupported)
	}
	l := r.layout
	c = Config{PatchSize: proj[2], Dim: proj[0], MLPDim: fc1[0], Pool: PoolMean, Eps: l.eps, Mean: l.mean, Std: l.std}
	if _, ok := r.find("cls_token"); ok {
		c.Pool = PoolClass
	}
	if _, ok := r.find("register_tokens"); ok {
		registers, err := r.shape("register_tokens", 3)
		if err != nil {
			return c, err
		}
		c.Registers = registers[1]
	}
	if _, ok := r.find("blocks.0.ls1.gamma"); ok {
		c.LayerScale = 1
	}
	for c.Depth <= maxDepth {
		if _, ok := r.find("blocks." + strconv.Itoa(c.Depth) + ".norm1.weight"); !ok {
			break
		}
		c.Depth++
	}
	if c.PatchSize < 1 || c.PatchSize > maxPatchSize {
		return c, fmt.Errorf("vit: patchSize: want 1..%d, have %d: %w", maxPatchSize, c.PatchSize, ErrConfig)
	}
	r.positions = positions[1]
	for _, before := range []int{c.classTokens(), c.prefixTokens(), 0} {
		for grid := 1; grid <= maxGrid; grid++ {
			if grid*grid+before == r.positions {
				c.ImageSize = grid * c.PatchSize
				return c, nil
			}
		}
	}
	parts, _ := r.find("pos_embed")
	return c, fmt.Errorf("vit: tensor %q: want a square of up to %dx%d patches and %d other tokens, have %d positions: %w",
		r.prefix+parts[0], maxGrid, maxGrid, c.prefixTokens(), r.positions, tensorfile.ErrShape)
}

// params reads the tensors of a checked config. All are looked up before anything is allocated.
func (r *importer) params(c Config) (*Params[float32], error) {
	wanted, _ := list[float32](c)
	for i := range wanted {
		t := &wanted[i]
		shape := t.fileShape()
		if t.Name == "pos_embed" {
			shape = []int{1, r.positions, c.Dim}
		}
		if err := r.look(t.Name, shape); err != nil {
			return nil, err
		}
	}
	err := refuseUnknown(r.file, r.known, func(name string) bool {
		short, inside := strings.CutPrefix(name, r.prefix)
		skip := !inside || slices.ContainsFunc(ignored[r.layout.spelling], func(start string) bool { return strings.HasPrefix(short, start) })
		if skip {
			r.left = append(r.left, name)
		}
		return skip
	})
	if err != nil {
		return nil, err
	}
	p := NewParams[float32](c)
	for i := range p.tensors {
		t := &p.tensors[i]
		x, err := r.read(t.Name)
		if err != nil {
			return nil, err
		}
		if t.Name == "pos_embed" { // after the registers, which it may add to
			r.placePositions(p, x)
			continue
		}
		copy(t.Data, fromFileOrder(t, x))
	}
	return p, nil
}

// look checks that the parts of our tensor are there and have the shape.
func (r *importer) look(ours string, shape []int) error {
	parts, found := r.find(ours)
	if !found && strings.HasSuffix(ours, ".attn.qkv.bias") {
		return nil // qkv_bias=False
	}
	shape = slices.Clone(shape)
	shape[0] /= len(parts)
	for _, part := range parts {
		if _, err := lookup(r.file, r.prefix+part, shape, "F32", "F16", "BF16"); err != nil {
			return err
		}
		r.known[r.prefix+part] = true
	}
	return nil
}

// read returns the values of our tensor; none for a bias that is not there.
func (r *importer) read(ours string) ([]float32, error) {
	parts, found := r.find(ours)
	if !found {
		return nil, nil
	}
	var all []float32
	for _, part := range parts {
		t, _ := r.file.Tensor(r.prefix + part)
		x, err := finite(t)
		if err != nil {
			return nil, err
		}
		if len(parts) == 1 {
			return x, nil
		}
		all = append(all, x...)
	}
	return all, nil
}

// placePositions writes the positions of class token and patches, and adds those of registers to the registers.
func (r *importer) placePositions(p *Params[float32], x []float32) {
	c := p.Config
	class, prefix := c.classTokens(), c.prefixTokens()
	before := r.positions - c.grid()*c.grid()
	if before > 0 {
		copy(p.net.pos[:class*c.Dim], x)
	}
	if before == prefix {
		for i, v := range x[class*c.Dim : prefix*c.Dim] {
			p.net.register[i] += v
		}
	}
	copy(p.net.pos[class*c.Dim:], x[before*c.Dim:])
}
