package vit

// EmbedPatches is Embed that also writes what the network makes of each patch: its token after the last block and the final norm. The embeddings have the
// bits that Embed gives them, and with PoolMean and no registers they are the means of the patches.
//
//	patches  (B, G*G, D)  row by row, G = size/PatchSize
//	embed    (B, D)
//	images   (B, 3, S, S)
//
// It panics as Embed does.
func (m *Int8Model) EmbedPatches(patches, embed, images []float32, batch, size int) {
	c, act := m.weights.config, &m.act
	if batch < 1 || c.CheckSize(size) != nil {
		panic("vit: EmbedPatches: batch < 1 or size does not pass CheckSize")
	}
	tokens, prefix := c.Tokens(size), c.prefixTokens()
	area := tokens - prefix
	if len(images) < batch*3*size*size || len(embed) < batch*c.Dim || len(patches) < batch*area*c.Dim {
		panic("vit: EmbedPatches: images, embed or patches too short")
	}
	act.every = true
	defer func() { act.every = false }()
	for b := range batch {
		m.embed(embed[b*c.Dim:(b+1)*c.Dim], images[b*3*size*size:], 1, size)
		_, _, x := act.streams(c.Depth - 1)
		m.weights.net.norm.Forward(patches[b*area*c.Dim:(b+1)*area*c.Dim], nil, nil, x[prefix*c.Dim:], area)
	}
}
