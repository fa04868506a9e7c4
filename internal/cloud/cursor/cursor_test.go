package cursor

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func signer(t testing.TB, key string) *Signer {
	s, err := New([]byte(strings.Repeat(key, MinKey)))
	require.NoError(t, err)
	return s
}

func TestShortKeyIsRefused(t *testing.T) {
	_, err := New(make([]byte, MinKey-1))
	require.ErrorContains(t, err, "31 bytes")
}

func TestOpensOnlyForItsScope(t *testing.T) {
	s := signer(t, "k")
	c := s.Seal("01J", "alice", "porch.front", "person")
	position, err := s.Open(c, "alice", "porch.front", "person")
	require.NoError(t, err)
	require.Equal(t, "01J", position)
	require.NotContains(t, decoded(t, c), "alice")

	for name, scope := range map[string][]string{
		"other owner":      {"bob", "porch.front", "person"},
		"other filter":     {"alice", "porch.front", "cat"},
		"filter gone":      {"alice", "porch.front"},
		"filter added":     {"alice", "porch.front", "person", ""},
		"parts run on":     {"aliceporch.front", "", "person"},
		"parts exchanged":  {"alice", "person", "porch.front"},
		"nothing in scope": nil,
	} {
		_, err := s.Open(c, scope...)
		require.ErrorIs(t, err, ErrBad, name)
	}
	_, err = signer(t, "x").Open(c, "alice", "porch.front", "person")
	require.ErrorIs(t, err, ErrBad, "other key")
}

func decoded(t *testing.T, c string) string {
	raw, err := base64.RawURLEncoding.DecodeString(c)
	require.NoError(t, err)
	return string(raw)
}

func TestRoundTripsAndNoBitCanChange(t *testing.T) {
	s := signer(t, "k")
	rapid.Check(t, func(t *rapid.T) {
		position, scope := rapid.String().Draw(t, "position"), rapid.SliceOf(rapid.String()).Draw(t, "scope")
		c := s.Seal(position, scope...)
		got, err := s.Open(c, scope...)
		if err != nil || got != position {
			t.Fatalf("got %q, %v", got, err)
		}
		i := rapid.IntRange(0, len(c)-1).Draw(t, "i")
		with := rapid.SampledFrom([]byte("AZaz09-_=+/ \n")).Draw(t, "with")
		if c[i] == with {
			return
		}
		if _, err := s.Open(c[:i]+string(with)+c[i+1:], scope...); err == nil {
			t.Fatalf("changed cursor opened")
		}
	})
}

func FuzzOpen(f *testing.F) {
	s := signer(f, "k")
	f.Add(s.Seal("01J8Z3NDEKTSV4RRFFQ69G5FAV", "alice"), "alice")
	f.Add(s.Seal("01J8Z3NDEKTSV4RRFFQ69G5FAV", "alice")+"\n", "alice")
	f.Add("", "")
	f.Add("AAAA", "bob")
	f.Add(strings.Repeat("A", 43), "bob")
	f.Fuzz(func(t *testing.T, cursor, owner string) {
		position, err := s.Open(cursor, owner)
		if err == nil && s.Seal(position, owner) != cursor {
			t.Fatalf("%q opened for %q but is not what Seal makes", cursor, owner)
		}
	})
}
