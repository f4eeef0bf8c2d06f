// Package signature signs adapters and verifies them, with Ed25519 keys (RFC 8032) in PEM files: the private key in PKCS 8, the public one in
// PKIX, as openssl writes them (openssl genpkey -algorithm ed25519).
//
// Floor 5, apart from package adapter: the cryptography of the standard library is not for the engine in the browser, whose own
// WebCrypto does the same. Start with [Generate], [Key.Sign] and [Verify].
package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ErrKey: not an Ed25519 key in one of the forms that are read.
var ErrKey = errors.New("not an Ed25519 key")

// Types of PEM blocks.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// Key is a private key. It is an adapter.Signer.
type Key struct{ private ed25519.PrivateKey }

// Generate makes a key from the system's random numbers.
func Generate() (*Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return &Key{private}, nil
}

// Public returns the 32 bytes of the public key.
func (k *Key) Public() []byte { return k.private.Public().(ed25519.PublicKey) }

// Sign returns the 64 bytes of a signature.
func (k *Key) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.private, message), nil }

// Verify reports whether a signature is that of a public key over a message. It is the Verify of an adapter.Policy.
func Verify(key, message, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature)
}

// PEM returns the private key and the public one, each as the content of a file.
func (k *Key) PEM() (private, public []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, nil, fmt.Errorf("signature: %w", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("signature: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: pub}), nil
}

// ReadKey reads a private key. The error wraps ErrKey and shows nothing of what was read.
func ReadKey(data []byte) (*Key, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != privateBlock {
		return nil, fmt.Errorf("signature: want a PEM file with a %s: %w", privateBlock, ErrKey)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signature: want PKCS 8: %w", ErrKey)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("signature: want an Ed25519 key, have %T: %w", key, ErrKey)
	}
	return &Key{private}, nil
}

// ReadPublic reads a public key: a PEM file, or its 64 hexadecimal digits, as they are printed. The error wraps ErrKey.
func ReadPublic(data []byte) ([]byte, error) {
	if text := strings.TrimSpace(string(data)); len(text) == 2*ed25519.PublicKeySize {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != publicBlock {
		return nil, fmt.Errorf("signature: want a PEM file with a %s, or 64 hexadecimal digits: %w", publicBlock, ErrKey)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signature: want PKIX: %w", ErrKey)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signature: want an Ed25519 key, have %T: %w", key, ErrKey)
	}
	return public, nil
}
