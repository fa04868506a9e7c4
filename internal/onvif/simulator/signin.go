package simulator

import (
	"crypto/md5"  //nolint:gosec // what HTTP Digest is made of
	"crypto/sha1" //nolint:gosec // what a UsernameToken is made of
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// window is how far from the camera's clock a sign-in may be.
const window = 5 * time.Minute

const httpNonce = "5ca1ab1e"

// token is the header of WS-Security.
type token struct {
	Username, Password, Nonce, Created string
}

// signedIn tells whether a request proves to know the password.
func (c *Camera) signedIn(r *http.Request, t token) error {
	switch {
	case c.cfg.User == "":
		return nil
	case c.cfg.HTTPDigest:
		return c.checkHTTP(r.Header.Get("Authorization"), r.URL.RequestURI())
	}
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	if err != nil || len(nonce) == 0 {
		return fmt.Errorf("no nonce")
	}
	created, err := time.Parse(time.RFC3339Nano, t.Created)
	if err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if off := created.Sub(c.now()); off.Abs() > window {
		return fmt.Errorf("created %s off", off)
	}
	h := sha1.New() //nolint:gosec // as prescribed
	h.Write(append(nonce, t.Created+c.cfg.Password...))
	if t.Username != c.cfg.User || t.Password != base64.StdEncoding.EncodeToString(h.Sum(nil)) {
		return fmt.Errorf("wrong digest")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nonces[t.Nonce] {
		return fmt.Errorf("nonce used before")
	}
	c.nonces[t.Nonce] = true
	return nil
}

func (c *Camera) now() time.Time { return time.Now().Add(c.cfg.ClockAhead) }

// checkHTTP checks HTTP Digest with MD5 and qop=auth.
func (c *Camera) checkHTTP(header, uri string) error {
	fields := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(header, "Digest "), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = strings.Trim(value, `"`)
	}
	want := md5Hex(strings.Join([]string{
		md5Hex(c.cfg.User + ":simulator:" + c.cfg.Password), httpNonce, fields["nc"], fields["cnonce"], "auth", md5Hex("POST:" + uri),
	}, ":"))
	if fields["username"] != c.cfg.User || fields["nonce"] != httpNonce || fields["response"] != want {
		return fmt.Errorf("wrong HTTP digest")
	}
	return nil
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // as prescribed
	return hex.EncodeToString(sum[:])
}
