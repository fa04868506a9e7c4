package simulator

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post asks for an operation of the device service, signed in as is said.
func post(t *testing.T, c *Camera, operation, user, password, nonce string, at time.Time) (int, string) {
	t.Helper()
	created := at.UTC().Format(time.RFC3339)
	sum := sha1.Sum([]byte(nonce + created + password))
	body := fmt.Sprintf(`<Envelope><Header><Security><UsernameToken><Username>%s</Username><Password>%s</Password><Nonce>%s</Nonce><Created>%s</Created>`+
		`</UsernameToken></Security></Header><Body><%s/></Body></Envelope>`,
		user, base64.StdEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString([]byte(nonce)), created, operation)
	resp, err := http.Post(c.Address(), "application/soap+xml", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func TestWhoSignsIn(t *testing.T) {
	c, err := New(t.Context(), Config{User: "u", Password: "p", Model: "<M>", ClockAhead: 24 * time.Hour, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer c.Close()
	its := time.Now().Add(24 * time.Hour)
	code, text := post(t, c, "GetDeviceInformation", "u", "p", "one", its)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, "<tds:Model>&lt;M&gt;</tds:Model>")
	for name, try := range map[string]func() (int, string){
		"a nonce again":      func() (int, string) { return post(t, c, "GetDeviceInformation", "u", "p", "one", its) },
		"our own time":       func() (int, string) { return post(t, c, "GetDeviceInformation", "u", "p", "two", time.Now()) },
		"a wrong password":   func() (int, string) { return post(t, c, "GetDeviceInformation", "u", "q", "three", its) },
		"another user":       func() (int, string) { return post(t, c, "GetDeviceInformation", "v", "p", "four", its) },
		"no sign-in at all":  func() (int, string) { return post(t, c, "GetDeviceInformation", "", "", "", its) },
		"unknown operations": func() (int, string) { return post(t, c, "SystemReboot", "u", "q", "five", its) },
	} {
		code, text := try()
		require.Equal(t, http.StatusBadRequest, code, name)
		require.Contains(t, text, "ter:NotAuthorized", name)
	}
	code, _ = post(t, c, "GetSystemDateAndTime", "", "", "", its)
	require.Equal(t, http.StatusOK, code, "the time needs no sign-in")
	code, text = post(t, c, "SystemReboot", "u", "p", "six", its)
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, text, "ter:ActionNotSupported")
	require.Contains(t, c.Calls(), "SystemReboot")
}

func TestNewRefuses(t *testing.T) {
	_, err := New(t.Context(), Config{})
	require.ErrorIs(t, err, ErrConfig)
	_, err = New(t.Context(), Config{Group: "239.255.255.250:0", Interface: "nosuch0", Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "discovery")
}
