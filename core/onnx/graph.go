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

// graph collects nodes and their constants in the order of computation. A
// value is known by its name.
type graph struct {
	nodes, constants []message
	count            int
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
	raw := make([]byte, 0, 4*len(x))
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.constant(of, typeFloat, raw, shape)
}

// integers adds an int64 constant: a vector, or a scalar when there is one
// value and scalar is set.
func (g *graph) integers(of string, scalar bool, x ...int) string {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	shape := []int{len(x)}
	if scalar {
		shape = nil
	}
	return g.constant(of, typeInt64, raw, shape)
}

func (g *graph) constant(of string, kind int64, raw []byte, shape []int) string {
	name := g.fresh(of)
	var m message // TensorProto
	for _, size := range shape {
		m.integer(1, int64(size))
	}
	m.integer(2, kind)
	m.text(8, name)
	m.bytes(9, raw)
	g.constants = append(g.constants, m)
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

// model encodes the graph with its one input.
func (g *graph) model(name string, input message, outputs []message, properties []Property) []byte {
	size := 0
	for _, c := range g.constants {
		size += len(c) + 16
	}
	inner := make(message, 0, size) // GraphProto; it grows by little, the constants are nearly all of it
	for _, n := range g.nodes {
		inner.bytes(1, n)
	}
	inner.text(2, name)
	for _, c := range g.constants {
		inner.bytes(5, c)
	}
	inner.bytes(11, input)
	for _, output := range outputs {
		inner.bytes(12, output)
	}
	var set, m message // OperatorSetIdProto, ModelProto
	set.text(1, "")
	set.integer(2, opset)
	m.integer(1, irVersion)
	m.text(2, "haguruma")
	m.bytes(8, set)
	m.bytes(7, inner)
	for _, p := range properties {
		var entry message // StringStringEntryProto
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		m.bytes(14, entry)
	}
	return m
}
