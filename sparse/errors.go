package sparse

import "errors"

var (
	// ErrConfig marks a config that no experts or router can be built from.
	ErrConfig = errors.New("not a usable config of experts")
	// ErrFormat marks a file whose tensors or metadata are not those of an experts file.
	ErrFormat = errors.New("not an experts file")
	// ErrBackbone: experts that were learned on another backbone than the one they should be merged into.
	ErrBackbone = errors.New("experts of another backbone")
)
