// Command haguruma is the terminal front: it trains and measures backbones,
// classifies pictures from a handful of examples, looks into model files,
// serves the page and measures speed. Each verb is one file; what they do
// lives on lower floors.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
