module haguruma

go 1.27

toolchain go1.27.4

require (
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/image v0.47.0 // indirect
)
