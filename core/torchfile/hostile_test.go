package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// Pieces of pickles.
const (
	begin   = "\x80\x02"
	ordered = "ccollections\nOrderedDict\n)R"
	rebuild = "ctorch._utils\n_rebuild_tensor_v2\n"
)

// text is a BINUNICODE.
func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func integer(n uint32) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, n)) }

// aStorage is a persistent id.
func aStorage(class, key string, elements uint32) string {
	return "(" + text("storage") + "ctorch\n" + class + "\n" + text(key) + text("cpu") + integer(elements) + "tQ"
}

// aTensor is a tensor of a storage of FloatStorage 0 with 6 elements.
func aTensor(offset uint32, shape, stride string) string {
	return rebuild + "(" + aStorage("FloatStorage", "0", 6) + integer(offset) + shape + stride + "\x89" + ordered + "tR"
}

// dict is a pickle of a dictionary with one entry.
func dict(key, value string) string { return begin + "}" + text(key) + value + "s." }

type record struct {
	name string
	data string
}

// archive is a zip of an object and its records, stored.
func archive(object string, records ...record) []byte {
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	for _, r := range append([]record{{"data.pkl", object}}, records...) {
		out, err := w.CreateHeader(&zip.FileHeader{Name: "a/" + r.name, Method: zip.Store})
		if err == nil {
			_, err = out.Write([]byte(r.data))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return data.Bytes()
}

var six = record{"data/0", strings.Repeat("\x00\x00\x80\x3f", 6)}

// TestHostile: files that ask for more than they hold, or for what a state dict has no use for, are errors of their kind
// and take no memory to speak of.
func TestHostile(t *testing.T) {
	pair := func(a, b uint32) string { return integer(a) + integer(b) + "\x86" }
	good := dict("w", aTensor(0, pair(2, 3), pair(3, 1)))
	if c, err := open(archive(good, six)); err != nil {
		t.Fatal(err)
	} else if f, err := c.StateDict(""); err != nil || len(f.Tensors[0].Data) != 24 {
		t.Fatalf("%v %v", f, err)
	}
	huge := string([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	zeros := string(make([]byte, 8))
	var deflated bytes.Buffer
	w := zip.NewWriter(&deflated)
	out, _ := w.Create("a/data.pkl")
	out.Write([]byte(good))
	w.Close()
	magic := "\x80\x02\x8a\nl\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}."
	for _, bad := range []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"nothing", nil, tensorfile.ErrFormat, "torch.save"},
		{"text", []byte("<!DOCTYPE html>"), tensorfile.ErrFormat, "<!DO"},
		{"zip of nothing", []byte("PK\x03\x04"), tensorfile.ErrFormat, "zip"},
		{"compressed", deflated.Bytes(), tensorfile.ErrFormat, "compressed"},
		{"no object", archive("")[:0:0], tensorfile.ErrFormat, "torch.save"},
		{"empty object", archive(""), tensorfile.ErrTruncated, "no end"},
		{"TorchScript", archive(good, record{"constants.pkl", ""}), tensorfile.ErrFormat, "TorchScript"},
		{"record twice", archive(good, six, six), tensorfile.ErrDuplicate, "data/0"},
		{"big-endian", archive(good, six, record{"byteorder", "big"}), tensorfile.ErrFormat, "big-endian"},
		{"a number", archive(begin + "K\x01."), tensorfile.ErrFormat, "dictionary"},
		{"a dictionary of numbers", archive(dict("a", "K\x01")), tensorfile.ErrFormat, "without any"},
		{"a module", archive(begin + "ctorch.nn.modules.linear\nLinear\n)\x81}b."), tensorfile.ErrFormat, "torch.nn.modules.linear.Linear"},
		{"a command", archive(begin + "cposix\nsystem\n(" + text("touch /tmp/owned") + "tR."), tensorfile.ErrFormat, "posix.system"},
		{"unknown instruction", archive(begin + "\xff."), tensorfile.ErrFormat, "0xff"},
		{"text integer", archive(begin + "L" + strings.Repeat("9", 100) + "L\n."), tensorfile.ErrFormat, "0x4c"},
		{"text of 4 GB", archive(begin + "X\xff\xff\xff\xff."), tensorfile.ErrTruncated, "0x58"},
		{"text of 2^64 bytes", archive(begin + "\x8d" + huge + "."), tensorfile.ErrTruncated, "0x8d"},
		{"frame of 2^64 bytes", archive(begin + "\x95" + huge + "."), tensorfile.ErrTruncated, "frame"},
		{"name without end", archive(begin + "ctorch"), tensorfile.ErrTruncated, "name"},
		{"integer of nothing", archive(begin + "\x8a\x00."), tensorfile.ErrFormat, "integer"},
		{"long integer of nothing", archive(begin + "\x8b\x00\x00\x00\x00."), tensorfile.ErrFormat, "index out of range"},
		{"key that is no key", archive(begin + ordered + "C\x01aK\x01s."), tensorfile.ErrFormat, "unhashable"},
		{"empty stack", archive(begin + "R."), tensorfile.ErrFormat, "stack"},
		{"dictionary in itself, called", archive(begin + "}q\x00" + text("a") + "h\x00sh\x00)R."), tensorfile.ErrFormat, "REDUCE"},
		{"too many instructions", archive(begin + strings.Repeat("}0", maxInstructions/2) + "N."), tensorfile.ErrTooLarge, "instructions"},
		{"large object", archive(begin + strings.Repeat("X\xff\xff\x00\x00"+strings.Repeat("a", 0xffff)+"0", 65)), tensorfile.ErrTooLarge, "data.pkl"},
		{"storage of another kind", archive(dict("w", "("+text("module")+"NNNNtQ")), tensorfile.ErrFormat, "persistent id"},
		{"storage with two sizes", archive(begin + "]" + aStorage("FloatStorage", "0", 6) + aStorage("FloatStorage", "0", 7) + "."), tensorfile.ErrFormat, "storage 0"},
		{"negative storage", archive(dict("w", aStorage("FloatStorage", "0", 1<<31))), tensorfile.ErrFormat, "persistent id"},
		{"tensor of no storage", archive(dict("w", rebuild+"(NNNNtR")), tensorfile.ErrFormat, "want a storage"},

		{"no record", archive(good), tensorfile.ErrTruncated, "data/0"},
		{"short record", archive(good, record{"data/0", "\x00\x00\x00\x00"}), tensorfile.ErrShape, "data/0"},
		{"half an element", archive(good, record{"data/0", zeros + zeros + zeros[:7]}), tensorfile.ErrShape, "data/0"},
		{"past the end", archive(dict("w", aTensor(1, pair(2, 3), pair(3, 1))), six), tensorfile.ErrShape, "past"},
		{"offset", archive(dict("w", aTensor(7, ")", ")")), six), tensorfile.ErrShape, "offset"},
		{"scalar past the end", archive(dict("w", aTensor(6, ")", ")")), six), tensorfile.ErrShape, "past"},
		{"negative offset", archive(dict("w", aTensor(1<<31, ")", ")")), six), tensorfile.ErrShape, "offset"},
		{"negative size", archive(dict("w", aTensor(0, pair(1<<31, 1), pair(1, 1))), six), tensorfile.ErrShape, "shape"},
		{"one element a billion times", archive(dict("w", aTensor(0, pair(1<<30, 1), pair(0, 1))), six), tensorfile.ErrShape, "shape"},
		{"one element six times six times", archive(dict("w", aTensor(0, pair(6, 6), pair(0, 0))), six), tensorfile.ErrShape, "more elements"},
		{"strides", archive(dict("w", aTensor(0, pair(2, 3), ")")), six), tensorfile.ErrShape, "strides"},
		{"name twice", archive(begin+"}"+text("w")+aTensor(0, ")", ")")+"s"+text("w")+aTensor(0, ")", ")")+"s.", six), tensorfile.ErrDuplicate, `"w"`},
		{"transposed many times", archive(begin+"}"+text("w")+aTensor(0, pair(3, 2), pair(1, 3))+"q\x01s("+transposed(1000)+"u.", six), tensorfile.ErrTooLarge, "transposed"},

		{"legacy: another number", []byte(begin + "K\x01." + begin + "K\x01." + begin + "}." + good + begin + "]."), tensorfile.ErrFormat, "1950a86a20f9469cfc6c"},
		{"legacy: dictionary in itself", []byte(begin + "}q\x00" + text("a") + "h\x00s." + magic[15:] + good + begin + "]."), tensorfile.ErrFormat, "1950a86a20f9469cfc6c"},
		{"legacy: protocol", []byte(strings.Replace(magic, "M\xe9\x03", "M\xe9\x04", 1) + good + begin + "]."), tensorfile.ErrFormat, "1001"},
		{"legacy: big-endian", []byte(strings.Replace(magic, "}.", "}"+text("little_endian")+"\x89s.", 1) + good + begin + "]."), tensorfile.ErrFormat, "big-endian"},
		{"legacy: no storages", []byte(magic + good + begin + "]."), tensorfile.ErrTruncated, "storage 0"},
		{"legacy: not a list", []byte(magic + good + begin + "}."), tensorfile.ErrFormat, "list"},
		{"legacy: unknown storage", []byte(magic + good + begin + "]" + text("1") + "a."), tensorfile.ErrFormat, "no tensor"},
		{"legacy: no count", []byte(magic + good + begin + "]" + text("0") + "a."), tensorfile.ErrTruncated, "storage"},
		{"legacy: another count", []byte(magic + good + begin + "]" + text("0") + "a." + zeros), tensorfile.ErrShape, "elements"},
		{"legacy: short", []byte(magic + good + begin + "]" + text("0") + "a.\x06" + zeros[1:] + zeros), tensorfile.ErrTruncated, "storage"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := open(bad.data)
		if err == nil {
			_, err = c.StateDict(c.Keys()[0])
		}
		runtime.ReadMemStats(&after)
		if !errors.Is(err, bad.want) || !strings.HasPrefix(err.Error(), "torchfile: ") || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: want %v that says %q, have %v", bad.name, bad.want, bad.says, err)
		}
		if took, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+300*len(bad.data)); took > limit {
			t.Errorf("%s: %d bytes taken for a file of %d", bad.name, took, len(bad.data))
		}
	}
}

// transposed is a tensor of the memo under so many names.
func transposed(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(string(rune('A'+i%26)) + string(rune('A'+i/26))))
		b.WriteString("h\x01")
	}
	return b.String()
}

// FuzzPickle: whatever the pickle, an error or tensors inside the one storage there is.
func FuzzPickle(f *testing.F) {
	for _, name := range []string{"state.pth", "training.pth", "module.pth"} {
		r, err := zip.NewReader(bytes.NewReader(torchData(f, name)), int64(len(torchData(f, name))))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range r.File {
			if strings.HasSuffix(file.Name, "data.pkl") {
				data, err := readRecord(file)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(data)
			}
		}
	}
	f.Add([]byte(dict("w", aTensor(0, integer(2)+integer(3)+"\x86", integer(1)+integer(2)+"\x86"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := open(archive(string(data), six))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "torchfile: ") {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, key := range c.Keys() {
			file, err := c.StateDict(key)
			if err != nil {
				continue
			}
			for _, x := range file.Tensors {
				if len(x.Data) > len(six.data) {
					t.Errorf("%s: %d bytes", x.Name, len(x.Data))
				}
			}
		}
	})
}
