// Command randombundle writes a small bundle with random weights, and its manifest, for tests of everything around the
// backbone. Its embeddings tell a circle from a cross about as well as raw pixels do.
//
//	go run ./e2e/testdata/randombundle -out DIR
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

func main() {
	out := flag.String("out", "", "folder for default.json and default.safetensors.zst")
	flag.Parse()
	if err := write(*out); err != nil {
		fmt.Fprintln(os.Stderr, "randombundle:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	config := vit.Config{
		ImageSize: 64, PatchSize: 16, Stem: []int{16, 32, 64, 96}, Dim: 96, Depth: 2, Heads: 3, MLPDim: 192,
		Pool: vit.PoolMean, Eps: 1e-6,
		Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
	}
	params := vit.NewParams[float32](config)
	params.Init(rand.New(rand.NewPCG(1, 2)))
	data, err := tensorfile.EncodeZstd(vit.NewInt8(params).File())
	if err != nil {
		return err
	}
	const name = "default.safetensors.zst"
	manifest, err := json.MarshalIndent(map[string]any{
		"name": "random weights", "file": name, "bytes": len(data), "sha256": tensorfile.Hash(data), "config": config,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "default.json"), manifest, 0o666)
}
