package signature

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"haguruma/adapt/adapter"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func sample() *adapter.Adapter {
	return &adapter.Adapter{
		Bundle:   sum,
		Head:     adapter.Head{Kind: "prototypes", Scale: 10, Dim: 1, Weight: []float32{1, -1}, Bias: []float32{0, 0}},
		Classes:  []adapter.Class{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}},
		Pictures: adapter.Pictures{Size: 64, Std: [3]float32{1, 1, 1}},
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// TestTrust: through a file; each policy takes and refuses what it says.
func TestTrust(t *testing.T) {
	ours, theirs := must[*Key](t)(Generate()), must[*Key](t)(Generate())
	reload := func(a *adapter.Adapter) *adapter.Adapter {
		t.Helper()
		return must[*adapter.Adapter](t)(adapter.Decode(must[[]byte](t)(a.Encode())))
	}
	unsigned := reload(sample())
	a := sample()
	if err := a.Sign(ours); err != nil {
		t.Fatal(err)
	}
	signed := reload(a)
	if signed.Content != unsigned.Content {
		t.Error("a signature changes the content")
	}
	forged := reload(a)
	forged.Signature.Value[7] ^= 1
	forged = reload(forged)
	other := reload(a) // our signature under another key
	other.Signature.Key = theirs.Public()
	moved := sample() // our signature under another content
	moved.Classes[0].Name = "c"
	must[[]byte](t)(moved.Encode())
	moved.Signature = a.Signature
	moved = reload(moved)

	for name, c := range map[string]struct {
		a      *adapter.Adapter
		policy adapter.Policy
		want   error
	}{
		"unsigned, anything goes":       {unsigned, adapter.Policy{Verify: Verify}, nil},
		"unsigned, required":            {unsigned, adapter.Policy{Required: true, Verify: Verify}, adapter.ErrUnsigned},
		"unsigned, by us":               {unsigned, adapter.Policy{Keys: [][]byte{ours.Public()}, Verify: Verify}, adapter.ErrUnsigned},
		"signed, anything goes":         {signed, adapter.Policy{Verify: Verify}, nil},
		"signed, nobody can look":       {signed, adapter.Policy{}, nil},
		"signed, required, nobody can":  {signed, adapter.Policy{Required: true}, adapter.ErrForged},
		"signed, required":              {signed, adapter.Policy{Required: true, Verify: Verify}, nil},
		"signed, by us":                 {signed, adapter.Policy{Keys: [][]byte{theirs.Public(), ours.Public()}, Verify: Verify}, nil},
		"signed, by them":               {signed, adapter.Policy{Keys: [][]byte{theirs.Public()}, Verify: Verify}, adapter.ErrSigner},
		"signed, by nobody":             {signed, adapter.Policy{Keys: [][]byte{}, Verify: Verify}, adapter.ErrSigner},
		"forged":                        {forged, adapter.Policy{Verify: Verify}, adapter.ErrForged},
		"another key":                   {other, adapter.Policy{Verify: Verify}, adapter.ErrForged},
		"signature of something else":   {moved, adapter.Policy{Required: true, Verify: Verify}, adapter.ErrForged},
		"signature of something else 2": {moved, adapter.Policy{Keys: [][]byte{ours.Public()}, Verify: Verify}, adapter.ErrForged},
	} {
		if err := c.a.Trust(c.policy); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: want %v, have %v", name, c.want, err)
		}
	}
	a.Head.Bias[0] = 1
	if data, err := a.Encode(); data != nil || !errors.Is(err, adapter.ErrFormat) {
		t.Errorf("changed after it was signed: %v", err)
	}
}

// TestVerify: RFC 8032, 7.1, test 2, and lengths that are not those of a key.
func TestVerify(t *testing.T) {
	key := must[[]byte](t)(hex.DecodeString("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
	value := must[[]byte](t)(hex.DecodeString("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"))
	if !Verify(key, []byte{0x72}, value) || Verify(key, []byte{0x73}, value) || Verify(key[:31], []byte{0x72}, value) || Verify(key, []byte{0x72}, value[:63]) {
		t.Error("Verify")
	}
}

func TestKeyFiles(t *testing.T) {
	key := must[*Key](t)(Generate())
	private, public, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	back := must[*Key](t)(ReadKey(private))
	if !bytes.Equal(back.Public(), key.Public()) || !bytes.Equal(must[[]byte](t)(ReadPublic(public)), key.Public()) {
		t.Error("another key came back")
	}
	if text := hex.EncodeToString(key.Public()) + "\n"; !bytes.Equal(must[[]byte](t)(ReadPublic([]byte(text))), key.Public()) {
		t.Error("hexadecimal digits")
	}
	// openssl genpkey -algorithm ed25519, and openssl pkey -pubout: the layout of RFC 8410, 10.
	const rfc = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
	if have := must[[]byte](t)(ReadPublic([]byte(rfc))); hex.EncodeToString(have) != "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1" {
		t.Errorf("have %x", have)
	}
	for _, bad := range []string{"", "x", string(public[:60]), strings.Repeat("z", 64), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ReadKey([]byte(bad)); !errors.Is(err, ErrKey) {
			t.Errorf("private %q: %v", bad, err)
		}
		if _, err := ReadPublic([]byte(bad)); !errors.Is(err, ErrKey) {
			t.Errorf("public %q: %v", bad, err)
		}
	}
	if _, err := ReadKey(public); !errors.Is(err, ErrKey) {
		t.Errorf("a public key as a private one: %v", err)
	}
}
