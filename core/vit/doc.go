// Package vit (floor 3) is the backbone: a pre-norm vision transformer that turns images into embeddings.
//
// Letters, used everywhere in this package: B images in a batch, S the side of the input in pixels, G = S/PatchSize the
// side of the token grid, T tokens an image (G*G, and one more for the class token), D = Config.Dim.
// Images are (B, 3, S, S); inside, activations are channels-last, so tokens are the rows of a (B*T, D) matrix.
//
// Params hold the weights in one flat vector, Model runs them forward and backward in float32 or float64, Int8Model runs
// the forward with int8 matmuls and returns the same bits on every platform. Start reading at Model.Forward.
//
// The package knows of no episodes, experts, browsers or servers.
package vit
