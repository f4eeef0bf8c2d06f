package kernel

import "unsafe"

// is32 reports whether F is float32. It is a constant in each instantiation, so the branch it guards costs nothing.
func is32[F Float]() bool {
	var f F
	return unsafe.Sizeof(f) == 4
}

// as32 views s as []float32. Call it only when is32[F]().
func as32[F Float](s []F) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}
