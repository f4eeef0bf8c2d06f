//go:build js && wasm

// Command bench is the two forward passes and nothing around them, for the benchmark in bench/: the engine of the page has
// no float32 forward, because no page needs one. It gives its functions to hagurumaReady as the engine does:
//
//	float32(checkpoint), int8(bundle)  open a model and make it the one that embed runs; return the dimension
//	embed(pixels)                      (3, S, S) to (D), the bytes of little-endian float32 both
package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/hack-pad/safejs"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// forward embeds one normalized image (3, size, size).
type forward func(embed, image []float32)

type model struct {
	config  vit.Config
	forward forward
}

func openFloat32(f *tensorfile.File) (*model, error) {
	params, err := vit.OpenParams(f)
	if err != nil {
		return nil, err
	}
	m, act := vit.NewModel(params), vit.NewActivations[float32](false)
	c := params.Config
	return &model{c, func(embed, image []float32) { m.Forward(embed, image, 1, c.ImageSize, act) }}, nil
}

func openInt8(f *tensorfile.File) (*model, error) {
	m, err := vit.OpenInt8(f)
	if err != nil {
		return nil, err
	}
	c := m.Config()
	return &model{c, func(embed, image []float32) { m.Embed(embed, image, 1, c.ImageSize) }}, nil
}

// current is the model in use.
var current *model

func open(read func(*tensorfile.File) (*model, error)) func(data []byte) (any, error) {
	return func(data []byte) (any, error) {
		f, err := tensorfile.Decode(data)
		if err != nil {
			return nil, err
		}
		current, err = read(f)
		if err != nil {
			return nil, err
		}
		return current.config.Dim, nil
	}
}

func embed(data []byte) (any, error) {
	if current == nil {
		return nil, fmt.Errorf("bench: embed before a model is open")
	}
	size := current.config.ImageSize
	if want := 4 * 3 * size * size; len(data) != want {
		return nil, fmt.Errorf("bench: embed: want %d bytes, have %d", want, len(data))
	}
	image, out := make([]float32, len(data)/4), make([]float32, current.config.Dim)
	for i := range image {
		image[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	current.forward(out, image)
	data = data[:0]
	for _, v := range out {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	constructor, err := safejs.Global().Get("Uint8Array")
	if err != nil {
		return nil, err
	}
	array, err := constructor.New(len(data))
	if err != nil {
		return nil, err
	}
	_, err = safejs.CopyBytesToJS(array, data)
	return array, err
}

// export makes the JavaScript function of a verb with one Uint8Array; it returns {value} or {code, message}.
func export(verb func(data []byte) (any, error)) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		value, err := func() (any, error) {
			length, err := args[0].Length()
			if err != nil {
				return nil, err
			}
			data := make([]byte, length)
			if _, err := safejs.CopyBytesToGo(data, args[0]); err != nil {
				return nil, err
			}
			return verb(data)
		}()
		if err != nil {
			return map[string]any{"code": "internal", "message": err.Error()}
		}
		return map[string]any{"value": value}
	})
}

func main() {
	verbs := map[string]any{}
	for name, verb := range map[string]func([]byte) (any, error){"float32": open(openFloat32), "int8": open(openInt8), "embed": embed} {
		f, err := export(verb)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		verbs[name] = f
	}
	if _, err := safejs.Global().Call("hagurumaReady", verbs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	select {}
}
