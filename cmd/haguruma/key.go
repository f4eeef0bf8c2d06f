package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"haguruma/adapt/signature"
)

func (a *app) keyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE.pem",
		Short: "Make a key to sign adapters with",
		Long: `key writes a new private key to FILE.pem, for you alone, and the public key to
FILE.pub.pem, for those who shall know your adapters: Ed25519, in the files that openssl reads and
writes. A file that is there is never written over.`,
		Example: "  haguruma key mine.pem\n  haguruma adapt castings/ -o castings.safetensors --sign mine.pem\n  haguruma classify --adapter castings.safetensors --key mine.pub.pem new/",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one file to write, have %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := signature.Generate()
			if err != nil {
				return err
			}
			private, public, err := key.PEM()
			if err != nil {
				return err
			}
			beside := strings.TrimSuffix(args[0], ".pem") + ".pub.pem"
			if err := writeNew(args[0], private, 0o600); err != nil {
				return err
			}
			if err := writeNew(beside, public, 0o644); err != nil {
				return errors.Join(err, os.Remove(args[0])) // half a pair is of no use, and stands in the way of the next
			}
			_, err = fmt.Fprintf(a.stdout, "%s: keep it to yourself\n%s: give it to others, or its digits:\n%s\n", printable(args[0]), printable(beside), hex.EncodeToString(key.Public()))
			return err
		},
	}
}

// writeNew writes a file that is not there.
func writeNew(path string, data []byte, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
