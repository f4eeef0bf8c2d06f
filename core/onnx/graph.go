package onnx

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Numbers of github.com/onnx/onnx, onnx/onnx.proto.
const (
	irVersion = 8 // of onnx 1.12, which opset 17 came with
	opset     = 17

	typeFloat = 1
	typeUint8 = 2
	typeInt8  = 3
	typeInt64 = 7

	attributeFloat = 1
	attributeInt   = 2
	attributeInts  = 7
)

// graph collects nodes in the order of computation, and their constants. A
// value is known by its name.
//
// The constants are nearly all of a file, so they are written where they stay
// in it: a file is as long as its weights once, and not three times.
type graph struct {
	nodes []message
	file  message // room for what comes before the GraphProto, then its constants
	count int
}

// headroom is enough for the fields of a ModelProto that come before its GraphProto, bytes.
const headroom = 64

// newGraph expects so many bytes of constants and all else; more is slower.
func newGraph(bytes int) graph {
	return graph{file: make(message, headroom, headroom+bytes)}
}

// attribute is one of a node: a float32, an int or a []int.
type attribute struct {
	name  string
	value any
}

// fresh makes a name that no other value has.
func (g *graph) fresh(of string) string {
	g.count++
	return of + "_" + strconv.Itoa(g.count)
}

// node adds an operation with one output and returns its name.
func (g *graph) node(op string, inputs []string, attributes ...attribute) string {
	output := g.fresh(op)
	g.operation(op, inputs, []string{output}, attributes...)
	return output
}

func (g *graph) operation(op string, inputs, outputs []string, attributes ...attribute) {
	var m message // NodeProto
	for _, name := range inputs {
		m.text(1, name)
	}
	for _, name := range outputs {
		m.text(2, name)
	}
	m.text(3, outputs[0])
	m.text(4, op)
	for _, a := range attributes {
		var inner message // AttributeProto
		inner.text(1, a.name)
		switch v := a.value.(type) {
		case float32:
			inner.float(2, v)
			inner.integer(20, attributeFloat)
		case int:
			inner.integer(3, int64(v))
			inner.integer(20, attributeInt)
		case []int:
			for _, n := range v {
				inner.integer(8, int64(n))
			}
			inner.integer(20, attributeInts)
		default:
			panic("onnx: attribute of a type it does not write")
		}
		m.bytes(5, inner)
	}
	g.nodes = append(g.nodes, m)
}

// floats adds a float32 constant and returns its name.
func (g *graph) floats(of string, x []float32, shape ...int) string {
	name := g.constant(of, typeFloat, 4*len(x), shape)
	for _, v := range x {
		g.file = binary.LittleEndian.AppendUint32(g.file, math.Float32bits(v))
	}
	return name
}

// codes adds a constant of int8 or uint8.
func (g *graph) codes(of string, kind Int8, x []byte, shape ...int) string {
	name := g.constant(of, int64(kind), len(x), shape)
	g.file = append(g.file, x...)
	return name
}

// integers adds an int64 constant: a vector, or a scalar when there is one
// value and scalar is set.
func (g *graph) integers(of string, scalar bool, x ...int) string {
	shape := []int{len(x)}
	if scalar {
		shape = nil
	}
	name := g.constant(of, typeInt64, 8*len(x), shape)
	for _, v := range x {
		g.file = binary.LittleEndian.AppendUint64(g.file, uint64(v))
	}
	return name
}

// constant begins a constant, whose bytes have to be added to the file next, and returns its name.
func (g *graph) constant(of string, kind int64, bytes int, shape []int) string {
	name := g.fresh(of)
	var m message // TensorProto, all but its bytes
	for _, size := range shape {
		m.integer(1, int64(size))
	}
	m.integer(2, kind)
	m.text(8, name)
	m.begin(9, bytes)
	g.file.begin(5, len(m)+bytes)
	g.file = append(g.file, m...)
	return name
}

// dimension is one of an input or output: a size, or a name where any will do.
type dimension struct {
	size int
	name string
}

func valueInfo(name string, shape []dimension) message {
	var dims message // TensorShapeProto
	for _, d := range shape {
		var dim message
		if d.name != "" {
			dim.text(2, d.name)
		} else {
			dim.integer(1, int64(d.size))
		}
		dims.bytes(1, dim)
	}
	var tensor, kind, info message // TypeProto.Tensor, TypeProto, ValueInfoProto
	tensor.integer(1, typeFloat)
	tensor.bytes(2, dims)
	kind.bytes(1, tensor)
	info.text(1, name)
	info.bytes(2, kind)
	return info
}

// Property is a text that goes with a model.
type Property struct{ Key, Value string }

// model ends the file of the graph with its one input.
func (g *graph) model(name string, input message, outputs []message, properties []Property) []byte {
	for _, n := range g.nodes {
		g.file.bytes(1, n)
	}
	g.file.text(2, name)
	g.file.bytes(11, input)
	for _, output := range outputs {
		g.file.bytes(12, output)
	}
	var set, head message // OperatorSetIdProto, ModelProto
	set.text(1, "")
	set.integer(2, opset)
	head.integer(1, irVersion)
	head.text(2, "haguruma")
	head.bytes(8, set)
	head.begin(7, len(g.file)-headroom)
	for _, p := range properties {
		var entry message // StringStringEntryProto
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		g.file.bytes(14, entry)
	}
	start := headroom - len(head)
	copy(g.file[start:], head)
	return g.file[start:]
}
