//go:build browser

package picture

// The formats that this build tells and does not read: their decoders are a
// twentieth of what a page downloads of the engine, and the browser has its
// own, which www/foreign.js asks.
var (
	gifFormat  = &format{name: "GIF"}
	webpFormat = &format{name: "WebP"}
	bmpFormat  = &format{name: "BMP"}
)
