package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"haguruma/core/kernel"
)

// version is the release this tree becomes; CHANGELOG.md has its notes.
const version = "0.1.0"

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print version, toolchain and the kernel body in use",
		Long: `version prints the release, the Go toolchain it was built with, the platform,
and the body that matrix products run on here. "generic" on amd64 means that the
program was built without GOEXPERIMENT=simd: ./build.sh build sets it.`,
		Example: "  haguruma version\n  haguruma version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if asJSON {
				return a.writeJSON(map[string]string{
					"version": version, "go": runtime.Version(), "platform": platform, "kernel": kernel.Body(),
				})
			}
			_, err := fmt.Fprintf(a.stdout, "haguruma %s, %s, %s, kernel %s\n", version, runtime.Version(), platform, kernel.Body())
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}
