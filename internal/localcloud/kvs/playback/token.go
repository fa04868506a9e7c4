package playback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"porchlight/internal/localcloud/kvs/wire"
)

// seal makes the token of a session.
func (p *Player) seal(s session) (string, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(payload) + "." + base64.RawURLEncoding.EncodeToString(p.mac(payload)), nil
}

func (p *Player) mac(payload []byte) []byte {
	h := hmac.New(sha256.New, p.secret)
	h.Write(payload)
	return h.Sum(nil)
}

// unseal checks a token.
func (p *Player) unseal(token string) (s session, err error) {
	refused := wire.NotAuthorized("the session token is missing, altered or has expired: ask for a new session URL")
	body, seal, _ := strings.Cut(token, ".")
	payload, errBody := base64.RawURLEncoding.DecodeString(body)
	mac, errSeal := base64.RawURLEncoding.DecodeString(seal)
	if errBody != nil || errSeal != nil || !hmac.Equal(mac, p.mac(payload)) || json.Unmarshal(payload, &s) != nil {
		return s, refused
	}
	if p.cfg.Now().UnixMilli() >= s.Expires {
		return s, refused
	}
	s.token = token
	return s, nil
}

// inSession lets a request through that carries a session's token. Pages of
// any origin may, since the token is all that counts.
func (p *Player) inSession(serve func(http.ResponseWriter, *http.Request, session) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cache-Control", "no-store")
		s, err := p.unseal(r.URL.Query().Get("SessionToken"))
		if err == nil && s.DASH != strings.HasPrefix(r.URL.Path, "/dash/") {
			err = wire.NotAuthorized("the session is of the other protocol")
		}
		if err == nil {
			err = serve(w, r, s)
		}
		if err != nil {
			wire.Fail(w, p.cfg.Logger, err)
		}
	})
}

// link is a relative URL within the session.
func (s session) link(name string, pairs ...string) string {
	q := url.Values{"SessionToken": {s.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return name + "?" + q.Encode()
}
