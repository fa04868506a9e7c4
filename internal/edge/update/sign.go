package update

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrSignature is an update that nobody whom this device trusts has signed.
var ErrSignature = errors.New("the update is not signed as this device wants it")

// signedDomain keeps a signature from meaning anything elsewhere.
const signedDomain = "porchlight update 1\n"

// Signed returns what a document's signature signs: the line "porchlight
// update 1" and, in hexadecimal, the SHA-256 of the document as canonical JSON:
// without "signature" and every "url", keys sorted, no spaces. What is
// downloaded is bound by its SHA-256, where it lies is free to change, and how
// JSON was written on the way does not matter.
func Signed(document []byte) ([]byte, error) {
	var tree map[string]any
	if err := json.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	delete(tree, "signature")
	delete(tree, "url")
	if probe, is := tree["probe"].(map[string]any); is {
		delete(probe, "url")
	}
	files, _ := tree["files"].([]any)
	for _, file := range files {
		if one, is := file.(map[string]any); is {
			delete(one, "url")
		}
	}
	canonical, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	sum := sha256.Sum256(canonical)
	return []byte(signedDomain + hex.EncodeToString(sum[:])), nil
}

// Sign fills in the document's signature.
func (d *Document) Sign(key ed25519.PrivateKey) error {
	d.Signature = ""
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	message, err := Signed(text)
	if err != nil {
		return err
	}
	d.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, message))
	return nil
}

// verify checks the signature of a document as it came. With no key none is
// asked for.
func verify(document []byte, key ed25519.PublicKey) error {
	if key == nil {
		return nil
	}
	var form struct {
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal(document, &form); err != nil || form.Signature == "" {
		return fmt.Errorf("%w: it has no signature, and updates.public_key is set", ErrSignature)
	}
	signature, err := base64.StdEncoding.DecodeString(form.Signature)
	if err != nil {
		return fmt.Errorf("%w: its signature is not base64", ErrSignature)
	}
	message, err := Signed(document)
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, message, signature) {
		return fmt.Errorf("%w: the signature does not belong to this update and updates.public_key", ErrSignature)
	}
	return nil
}
