package httpapi

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	w := newWorld(t, nil)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&w.keys.key.PublicKey)})
	good := func(change func(c jwt.MapClaims)) string {
		c := claims()
		if change != nil {
			change(c)
		}
		return sign(t, jwt.SigningMethodRS256, w.keys.key, "k1", c)
	}
	set := func(name string, value any) string { return good(func(c jwt.MapClaims) { c[name] = value }) }
	without := func(name string) string { return good(func(c jwt.MapClaims) { delete(c, name) }) }
	ago, soon := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	tampered := []byte(good(nil))
	tampered[len(tampered)/2] ^= 1

	for _, tc := range []struct {
		name, token string
		status      int
	}{
		{"good", good(nil), 200},
		{"audience instead of client_id", good(func(c jwt.MapClaims) { c["aud"] = "app"; delete(c, "client_id") }), 200},
		{"one of two audiences", set("aud", []string{"x", "app"}), 200},
		{"scp", good(func(c jwt.MapClaims) { delete(c, "scope"); c["scp"] = []string{"openid"} }), 200},
		{"RS512", sign(t, jwt.SigningMethodRS512, w.keys.key, "k1", claims()), 200},

		{"none given", "", 401},
		{"not a token", "abc", 401},
		{"tampered", string(tampered), 401},
		{"another key", sign(t, jwt.SigningMethodRS256, other, "k1", claims()), 401},
		{"unknown kid", sign(t, jwt.SigningMethodRS256, w.keys.key, "k2", claims()), 401},
		{"no kid", sign(t, jwt.SigningMethodRS256, w.keys.key, "", claims()), 401},
		{"alg none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k1", claims()), 401},
		{"HS256 with the public key", sign(t, jwt.SigningMethodHS256, public, "k1", claims()), 401},
		{"expired", set("exp", ago), 401},
		{"no expiry", without("exp"), 401},
		{"not yet valid", set("nbf", soon), 401},
		{"issued in the future", set("iat", soon), 401},
		{"another issuer", set("iss", "http://evil.example"), 401},
		{"the template's issuer", set("iss", templateIssuer), 401},
		{"no issuer", without("iss"), 401},
		{"another client", set("client_id", "other"), 401},
		{"another audience", set("aud", "other"), 401}, // client_id does not help
		{"neither", without("client_id"), 401},

		{"ID token", good(func(c jwt.MapClaims) {
			delete(c, "scope")
			delete(c, "client_id")
			c["aud"], c["token_use"] = "app", "id"
		}), 403},
		{"another scope", set("scope", "email openidx"), 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := get("/v1/events")
			if tc.token != "" {
				bearer(r, tc.token)
			}
			res := w.do(r)
			require.Equal(t, tc.status, res.Code)
			switch tc.status {
			case 401:
				require.JSONEq(t, `{"message":"Unauthorized"}`, res.Body.String())
				require.Contains(t, res.Header().Get("Www-Authenticate"), "Bearer")
			case 403:
				require.JSONEq(t, `{"message":"Forbidden"}`, res.Body.String())
				require.Contains(t, res.Header().Get("Www-Authenticate"), `error="insufficient_scope"`)
			}
		})
	}
}

func TestTokenWithoutBearerIsTaken(t *testing.T) {
	w := newWorld(t, nil)
	r := get("/v1/events")
	r.Header.Set("Authorization", sign(t, jwt.SigningMethodRS256, w.keys.key, "k1", claims()))
	require.Equal(t, http.StatusOK, w.do(r).Code)
}

// FuzzToken: no token but the one that was signed is let in.
func FuzzToken(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(f, err)
	p := AuthorizerProperties{AuthorizerType: "JWT"}
	p.JwtConfiguration.Issuer, p.JwtConfiguration.Audience = templateIssuer, []string{"app"}
	auth, err := newAuthorizer(p, func(string) (string, KeySource) { return localIssuer, keyring{key} })
	require.NoError(f, err)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims())
	token.Header["kid"] = "k1"
	good, err := token.SignedString(key)
	require.NoError(f, err)
	for i, b := range []byte{0, 'A', '=', '.'} {
		f.Add(i*len(good)/4, b, "")
	}
	f.Add(len(good)-1, byte('B'), "")
	f.Add(0, byte(0), "a.b.c")
	f.Add(0, byte(0), "eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, at int, b byte, instead string) {
		candidate := []byte(good)
		if at >= 0 && at < len(candidate) {
			candidate[at] = b
		}
		if instead != "" {
			candidate = []byte(instead)
		}
		r := get("/")
		r.Header.Set("Authorization", "Bearer "+string(candidate))
		if _, err := auth.check(r, nil); err == nil && string(candidate) != good {
			t.Fatalf("let in: %q", candidate)
		}
	})
}
