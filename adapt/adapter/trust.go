package adapter

import (
	"encoding/hex"
	"fmt"

	"haguruma/core/plainjson"
)

// Signature says who vouches for an adapter: Ed25519 (RFC 8032) over [Signed] of the content's sum.
type Signature struct {
	Key   []byte // public, 32 bytes
	Value []byte // 64 bytes
}

// Signed is the message that is signed for a content: the format, so that no signature of something else is one of an adapter, and the sum.
func Signed(content string) []byte { return []byte(Format + "\n" + content + "\n") }

// Signer holds a private key. Package signature has one of Go's; a browser has its own.
type Signer interface {
	Public() []byte                      // 32 bytes
	Sign(message []byte) ([]byte, error) // 64 bytes
}

// Sign sets Content and Signature.
func (a *Adapter) Sign(key Signer) error {
	_, content, err := a.file()
	if err != nil {
		return err
	}
	value, err := key.Sign(Signed(content))
	if err != nil {
		return fmt.Errorf("adapter: sign: %w", err)
	}
	a.Content, a.Signature = content, &Signature{key.Public(), value}
	return nil
}

// Policy is whom a front trusts. The zero Policy takes every adapter: where a signature may be missing, one that is there says nothing.
type Policy struct {
	Required bool                                      // refuse what is not signed
	Keys     [][]byte                                  // public keys, one of which must have signed; nil: any
	Verify   func(key, message, signature []byte) bool // Ed25519
}

// Trust holds an adapter that Decode returned to a policy. The errors wrap ErrUnsigned, ErrSigner or ErrForged. Where there is a Verify, a
// signature that does not verify is refused, required or not; where there is none, nothing that is required can be met.
func (a *Adapter) Trust(p Policy) error {
	s, required := a.Signature, p.Required || p.Keys != nil
	switch {
	case s == nil && required:
		return fmt.Errorf("adapter: a signature is required: %w", ErrUnsigned)
	case s == nil || p.Verify == nil && !required:
		return nil
	case p.Verify == nil || !p.Verify(s.Key, Signed(a.Content), s.Value):
		return fmt.Errorf("adapter: key %s: %w", hex.EncodeToString(s.Key), ErrForged)
	}
	if p.Keys == nil {
		return nil
	}
	for _, key := range p.Keys {
		if string(key) == string(s.Key) {
			return nil
		}
	}
	return fmt.Errorf("adapter: key %s: %w", hex.EncodeToString(s.Key), ErrSigner)
}

func (s *Signature) json() string {
	return object(func(w *plainjson.Writer) {
		w.Field("algorithm", algorithm)
		w.Field("key", hex.EncodeToString(s.Key))
		w.Field("signature", hex.EncodeToString(s.Value))
	})
}

const algorithm = "ed25519"

func (s *Signature) read(scan *plainjson.Scanner) error {
	var name, key, value string
	if err := scan.Fields(map[string]any{"algorithm": &name, "key": &key, "signature": &value}); err != nil {
		return err
	}
	var err error
	if s.Key, err = hex.DecodeString(key); err == nil {
		s.Value, err = hex.DecodeString(value)
	}
	if err != nil || name != algorithm || len(s.Key) != 32 || len(s.Value) != 64 {
		return fmt.Errorf("want %s, a key of 64 hexadecimal digits and a signature of 128", algorithm)
	}
	return nil
}
