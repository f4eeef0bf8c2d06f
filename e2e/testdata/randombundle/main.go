// Command randombundle writes a small bundle with random weights, its manifest, and with -experts random experts for it, for tests of
// everything around the backbone. Its embeddings tell a circle from a cross about as well as raw pixels do.
//
//	go run ./e2e/testdata/randombundle -out DIR [-experts]
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"haguruma/core/manifest"
	"haguruma/core/vit"
	"haguruma/sparse"
)

func main() {
	out := flag.String("out", "", "folder for default.json and default.safetensors.zst")
	experts := flag.Bool("experts", false, "and default.experts.safetensors.zst")
	flag.Parse()
	if err := write(*out, *experts); err != nil {
		fmt.Fprintln(os.Stderr, "randombundle:", err)
		os.Exit(1)
	}
}

func write(folder string, experts bool) error {
	config := vit.Config{
		ImageSize: 64, PatchSize: 16, Stem: []int{16, 32, 64, 96}, Dim: 96, Depth: 2, Heads: 3, MLPDim: 192,
		Pool: vit.PoolMean, Eps: 1e-6,
		Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
	}
	params := vit.NewParams[float32](config)
	params.Init(rand.New(rand.NewPCG(1, 2)))
	if _, err := manifest.Write(folder, "default", vit.NewInt8(params), nil); err != nil || !experts {
		return err
	}
	file, err := sparse.RandomExperts(sparse.BackboneTensors(params), 6, 0.1, 0.05, config.Dim, rand.New(rand.NewPCG(3, 4))).File(nil)
	if err != nil {
		return err
	}
	_, err = manifest.WriteExperts(folder, "default", file)
	return err
}
