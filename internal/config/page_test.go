package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

func TestPage(t *testing.T) {
	c, err := config.Parse([]byte(good + "page: {listen: ':8088', token: 0123456789abcdef}\n"))
	require.NoError(t, err)
	require.Equal(t, config.Page{Listen: ":8088", Token: "0123456789abcdef"}, c.Page)
}

func TestPageErrorsHoldNoToken(t *testing.T) {
	long := strings.Repeat("hush", 65)
	for edit, want := range map[string]string{
		"{listen: ':8088'}":                             "page.token: it has 0 characters",
		"{listen: ':8088', token: hush}":                "page.token: it has 4 characters: a page on the network needs a secret of 16 to 256",
		"{listen: ':8088', token: " + long + "}":        "page.token: it has 260 characters",
		"{listen: ':8088', token: hush hush hush hush}": "page.token: it has a space",
		"{listen: ':8088', token: [hush]}":              "page.token: want a text",
		"{listen: 8088, token: hushhushhushhush}":       `page.listen: "8088": want host:port`,
		"{listen: ':http', token: hushhushhushhush}":    `page.listen: ":http"`,
		"{listen: ':0', token: hushhushhushhush}":       `page.listen: ":0"`,
		"{listen: ':99999', token: hushhushhushhush}":   `page.listen: ":99999"`,
		"hush":         "page: want a section",
		"[hush]":       "page: want a section",
		"{tokn: hush}": "page.tokn: unknown key",
	} {
		_, err := config.Parse([]byte(good + "page: " + edit + "\n"))
		require.ErrorIs(t, err, config.ErrInvalid, edit)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hush")
	}
}

func TestSourceIsNotShown(t *testing.T) {
	_, err := config.Parse([]byte(good + "  x: {source: [me:hush@camera]}\n"))
	require.ErrorContains(t, err, "cameras.x.source: want a text")
	require.NotContains(t, err.Error(), "hush")
	_, err = config.Parse([]byte(good + "  x: me:hush@camera\n"))
	require.ErrorContains(t, err, "cameras.x: want a section")
	require.NotContains(t, err.Error(), "hush")
}
