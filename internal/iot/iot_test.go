package iot_test

import (
	"crypto/tls"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
)

// provider is a credentials provider that answers as it is told.
func provider(t *testing.T, status int, body string) iot.CredentialsConfig {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/role-aliases/alias/credentials" || r.Header.Get("x-amzn-iot-thingname") != "home" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return iot.CredentialsConfig{
		Endpoint: strings.TrimPrefix(server.URL, "https://"), RoleAlias: "alias", Thing: "home",
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}

func TestCredentialsAreReadAndExpire(t *testing.T) {
	cfg := provider(t, 200, `{"credentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiration":"2030-01-01T00:00:00Z"}}`)
	p, err := iot.Credentials(cfg)
	require.NoError(t, err)
	c, err := p.Retrieve(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"A", "S", "T"}, []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken})
	require.True(t, c.CanExpire)
	require.True(t, c.Expires.Before(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)), "refreshed ahead of expiry")
}

func TestCredentialsThatAreNoneAreAnError(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"denied":     {403, `{"message":"Access Denied"}`},
		"not JSON":   {200, `<html>`},
		"empty":      {200, `{}`},
		"no secret":  {200, `{"credentials":{"accessKeyId":"A","expiration":"2030-01-01T00:00:00Z"}}`},
		"no expiry":  {200, `{"credentials":{"accessKeyId":"A","secretAccessKey":"S"}}`},
		"bad expiry": {200, `{"credentials":{"accessKeyId":"A","secretAccessKey":"TOPSECRET","expiration":"soon"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := iot.Credentials(provider(t, answer.status, answer.body))
			require.NoError(t, err)
			_, err = p.Retrieve(t.Context())
			require.ErrorIs(t, err, iot.ErrCredentials)
			require.NotContains(t, err.Error(), "TOPSECRET")
		})
	}
}

func TestIdentityNamesTheBadFile(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewTLSServer(nil)
	server.Close()
	junk := filepath.Join(dir, "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	_, err := iot.LoadIdentity(filepath.Join(dir, "none.pem"), junk, "")
	require.ErrorIs(t, err, iot.ErrIdentity)
	require.ErrorContains(t, err, "none.pem")
	_, err = iot.LoadIdentity(junk, junk, "")
	require.ErrorIs(t, err, iot.ErrIdentity)

	pair := server.TLS.Certificates[0]
	cert := filepath.Join(dir, "cert.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
	_, err = iot.LoadIdentity(cert, junk, "")
	require.ErrorIs(t, err, iot.ErrIdentity)
}

func TestEndpointNeedsAPort(t *testing.T) {
	_, err := iot.Connect(t.Context(), iot.ClientConfig{Endpoint: "example", TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "want host:port")
	_, err = iot.Credentials(iot.CredentialsConfig{Endpoint: "example", TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	require.ErrorContains(t, err, "want host:port")
}
