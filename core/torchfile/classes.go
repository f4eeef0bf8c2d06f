package torchfile

import (
	"fmt"

	"github.com/nlpodyssey/gopickle/types"

	"haguruma/core/tensorfile"
)

// findClass gives a stand-in for a class that a pickle names. Those of tensors
// do their work, all others do nothing at all.
func findClass(module, name string) (any, error) {
	full := module + "." + name
	switch full {
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
		return rebuildTensor{}, nil
	case "torch._utils._rebuild_parameter":
		return rebuildParameter{}, nil
	}
	if dtype, known := storageTypes[full]; known {
		return storageType{dtype, full}, nil
	}
	return &opaque{class: full}, nil
}

// storageTypes are the classes of storages. F64 and BOOL are safetensors'
// names too, though tensorfile reads neither: who asks for such a tensor learns
// its dtype.
var storageTypes = map[string]tensorfile.DType{
	"torch.FloatStorage": tensorfile.F32, "torch.HalfStorage": tensorfile.F16, "torch.BFloat16Storage": tensorfile.BF16,
	"torch.DoubleStorage": "F64", "torch.CharStorage": tensorfile.I8, "torch.ByteStorage": tensorfile.U8, "torch.BoolStorage": "BOOL",
	"torch.ShortStorage": "I16", "torch.IntStorage": tensorfile.I32, "torch.LongStorage": tensorfile.I64,
}

// itemSize is the bytes of an element, for the dtypes of storageTypes.
func itemSize(dtype tensorfile.DType) int {
	switch dtype {
	case "F64":
		return 8
	case "I16":
		return 2
	case "BOOL":
		return 1
	}
	return dtype.Size()
}

type storageType struct {
	dtype tensorfile.DType
	class string
}

// storage is the elements that tensors are views of.
type storage struct {
	key      string
	dtype    tensorfile.DType
	elements int
	data     []byte // nil until it is read
}

// tensor is a view of a storage, in elements.
type tensor struct {
	storage      *storage
	offset       int
	size, stride []int
}

// rebuildTensor is _rebuild_tensor_v2(storage, offset, size, stride,
// requires_grad, hooks, metadata), of which the first four matter.
type rebuildTensor struct{}

func (rebuildTensor) Call(args ...any) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("tensor of %d arguments, want 4 or more", len(args))
	}
	from, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("tensor of a %T, want a storage", args[0])
	}
	offset, ok := args[1].(int)
	if !ok {
		return nil, fmt.Errorf("tensor at a %T, want an integer", args[1])
	}
	t := &tensor{storage: from, offset: offset}
	for i, to := range []*[]int{&t.size, &t.stride} {
		tuple, ok := args[2+i].(*types.Tuple)
		if !ok {
			return nil, fmt.Errorf("tensor with a %T for a shape, want a tuple", args[2+i])
		}
		for j := range tuple.Len() {
			n, ok := tuple.Get(j).(int)
			if !ok {
				return nil, fmt.Errorf("tensor with a %T in its shape, want an integer", tuple.Get(j))
			}
			*to = append(*to, n)
		}
	}
	return t, nil
}

// rebuildParameter is _rebuild_parameter(data, requires_grad, hooks).
type rebuildParameter struct{}

func (rebuildParameter) Call(args ...any) (any, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("parameter without a tensor")
	}
	return args[0], nil
}

// opaque stands for a class, a function or an instance of neither concern nor
// danger: it can be called, filled and given a state, and nothing happens.
type opaque struct{ class string }

func (o *opaque) Call(...any) (any, error)  { return o, nil }
func (o *opaque) PyNew(...any) (any, error) { return o, nil }
func (o *opaque) PySetState(any) error      { return nil }
func (o *opaque) Set(_, _ any)              {}
func (o *opaque) Append(any)                {}
