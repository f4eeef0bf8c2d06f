package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
)

// embedded is the embedding of one file.
type embedded struct {
	File  string    `json:"file"`
	Dim   int       `json:"dim"`
	Bits  string    `json:"bits"` // sha256 of the little-endian float32 bytes
	Hex   string    `json:"hex"`  // those bytes
	Embed []float32 `json:"embed"`
}

// embedFiles prints the embeddings of the queries: what another front of the
// same bundle must give bit for bit.
func (a *app) embedFiles(f classifyFlags, queries []string) error {
	files, _, err := pictureFiles(queries)
	if err != nil {
		return err
	}
	b, err := openBundle(f.bundle)
	if err != nil {
		return err
	}
	progress := a.newReporter()
	defer progress.close()
	var results []embedded
	for i, file := range files {
		pic, err := readPicture(file)
		if err != nil {
			return err
		}
		embed, err := b.Embed(pic)
		if err != nil {
			return err
		}
		data := make([]byte, 0, 4*len(embed))
		for _, v := range embed {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		sum := sha256.Sum256(data)
		results = append(results, embedded{file, len(embed), hex.EncodeToString(sum[:]), hex.EncodeToString(data), slices.Clone(embed)})
		progress.report("embed", i+1, len(files), "")
	}
	progress.close()
	if f.asJSON {
		return a.writeJSON(results)
	}
	for _, r := range results {
		fmt.Fprintf(a.stdout, "%s\nbits %s\nhex %s\n", printable(r.File), r.Bits, r.Hex)
		for i, v := range r.Embed {
			fmt.Fprintf(a.stdout, "%g%s", v, map[bool]string{true: "\n", false: " "}[i == len(r.Embed)-1])
		}
	}
	return nil
}
