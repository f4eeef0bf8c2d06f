//go:build browser

package picture

// foreignBuild: the build leaves GIF, WebP and BMP to its caller.
const foreignBuild = true

// turns are the walks over segments.
var turns = []func([]byte) orientation{jpegTurn, pngTurn, tiffTurn}
