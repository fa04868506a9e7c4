// Package cursor signs the places at which a list goes on, so that a client
// can hold them but neither make nor bend one.
//
// A cursor is base64url(HMAC-SHA-256 || position), without padding. The MAC
// also covers the owner and the filters, which the cursor does not carry: it
// opens only for the same owner asking with the same filters.
package cursor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrBad says that a cursor is not one that was handed out for this list.
var ErrBad = errors.New("bad cursor")

// MinKey is the fewest bytes of a key that Signer takes.
const MinKey = 32

// Signer makes and opens cursors. It is safe for concurrent use.
type Signer struct{ key []byte }

// New returns a signer, or an error when the key is shorter than MinKey.
func New(key []byte) (*Signer, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("cursor key of %d bytes: want %d or more, random", len(key), MinKey)
	}
	return &Signer{key: key}, nil
}

// Seal returns the cursor of position in the list that scope (the owner and
// every filter, in a fixed order) names.
func (s *Signer) Seal(position string, scope ...string) string {
	return base64.RawURLEncoding.EncodeToString(append(s.mac(position, scope), position...))
}

// Open returns the position of a cursor that Seal made for the same scope, or
// ErrBad.
func (s *Signer) Open(cursor string, scope ...string) (position string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	// The decoder skips line breaks, which no cursor of ours has.
	if err != nil || len(raw) < sha256.Size || strings.ContainsAny(cursor, "\r\n") {
		return "", ErrBad
	}
	mac, position := raw[:sha256.Size], string(raw[sha256.Size:])
	if !hmac.Equal(mac, s.mac(position, scope)) {
		return "", ErrBad
	}
	return position, nil
}

// mac covers the length of each part too, so that no two lists of parts look
// the same.
func (s *Signer) mac(position string, scope []string) []byte {
	h := hmac.New(sha256.New, s.key)
	for _, part := range append([]string{"porchlight cursor 1", position}, scope...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
