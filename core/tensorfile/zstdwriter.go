//go:build !js

package tensorfile

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// pack returns data as one zstd frame, with its content size and checksum.
func pack(data []byte) ([]byte, error) {
	// One encoder: several would cut the input at places that depend on timing.
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(8<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("tensorfile: zstd: %w", err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil), nil
}
