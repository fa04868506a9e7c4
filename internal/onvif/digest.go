package onvif

import (
	"crypto/md5" //nolint:gosec // what HTTP Digest is made of
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// challenge is a camera's demand for HTTP Digest, which Profile T has beside
// UsernameToken. https://datatracker.ietf.org/doc/html/rfc7616.
type challenge struct {
	realm, nonce, opaque string
	sha256, qop          bool
	session              bool // the -sess variants
	used                 uint32
}

var directive = regexp.MustCompile(`([a-zA-Z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`)

// parseChallenge returns the strongest Digest challenge of the WWW-Authenticate
// headers, nil when there is none that can be answered.
func parseChallenge(headers []string) *challenge {
	var best *challenge
	for _, h := range headers {
		if len(h) > maxAddress || !strings.HasPrefix(strings.ToLower(h), "digest ") {
			continue
		}
		c, known := &challenge{}, true
		for _, m := range directive.FindAllStringSubmatch(h[len("digest "):], -1) {
			value := m[2] + m[3]
			switch strings.ToLower(m[1]) {
			case "realm":
				c.realm = value
			case "nonce":
				c.nonce = value
			case "opaque":
				c.opaque = value
			case "qop":
				for q := range strings.SplitSeq(value, ",") {
					c.qop = c.qop || strings.TrimSpace(q) == "auth"
				}
				known = known && c.qop
			case "algorithm":
				name := strings.ToLower(value)
				name, c.session = strings.CutSuffix(name, "-sess")
				c.sha256 = name == "sha-256"
				known = known && (c.sha256 || name == "md5")
			}
		}
		if known && c.nonce != "" && (best == nil || c.sha256 && !best.sha256) {
			best = c
		}
	}
	return best
}

// answer is the Authorization header for a POST to uri.
func (c *challenge) answer(user, password, uri string) string {
	c.used++
	random := make([]byte, 8)
	rand.Read(random) //nolint:errcheck // never fails, crypto/rand says
	return c.respond(user, password, uri, hex.EncodeToString(random), c.used)
}

func (c *challenge) respond(user, password, uri, cnonce string, count uint32) string {
	sum, algorithm := md5Hex, "MD5"
	if c.sha256 {
		sum, algorithm = sha256Hex, "SHA-256"
	}
	secret := sum(user + ":" + c.realm + ":" + password)
	if c.session {
		secret = sum(secret + ":" + c.nonce + ":" + cnonce)
		algorithm += "-sess"
	}
	out := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s`, quoted(user), c.realm, c.nonce, uri, algorithm)
	request := sum("POST:" + uri)
	if c.qop {
		nc := fmt.Sprintf("%08x", count)
		out += fmt.Sprintf(`, qop=auth, nc=%s, cnonce="%s", response="%s"`, nc, cnonce, sum(strings.Join([]string{secret, c.nonce, nc, cnonce, "auth", request}, ":")))
	} else {
		if c.session {
			out += fmt.Sprintf(`, cnonce="%s"`, cnonce)
		}
		out += fmt.Sprintf(`, response="%s"`, sum(secret+":"+c.nonce+":"+request))
	}
	if c.opaque != "" {
		out += fmt.Sprintf(`, opaque="%s"`, c.opaque)
	}
	return out
}

func quoted(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // as prescribed
	return hex.EncodeToString(sum[:])
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
