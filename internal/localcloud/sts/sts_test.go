package sts

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string, now time.Time) *Service {
	t.Helper()
	s, err := Open(Config{Dir: dir, AccountID: "000000000000", Now: func() time.Time { return now }})
	require.NoError(t, err)
	return s
}

const role = "arn:aws:iam::000000000000:role/path/camera"

func TestSessionsSurviveRestartAndExpire(t *testing.T) {
	dir, start := filepath.Join(t.TempDir(), "sts"), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before := open(t, dir, start)
	creds, err := before.Issue(role, "porch", map[string]string{"credentials-iot:ThingName": "porch"}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, start.Add(time.Hour), creds.Expiration)

	after := open(t, dir, start.Add(59*time.Minute))
	require.Equal(t, before.Admin(), after.Admin())
	p, secret, err := after.Lookup(creds.AccessKeyID, creds.SessionToken)
	require.NoError(t, err)
	require.Equal(t, creds.SecretAccessKey, secret)
	require.Equal(t, "arn:aws:sts::000000000000:assumed-role/camera/porch", p.ARN)
	require.Equal(t, role, p.RoleARN)
	require.Equal(t, "porch", p.Vars["credentials-iot:ThingName"])
	require.False(t, p.Root)

	_, _, err = open(t, dir, start.Add(time.Hour)).Lookup(creds.AccessKeyID, creds.SessionToken)
	require.ErrorIs(t, err, ErrExpired)
}

func TestLookupRefuses(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s, other := open(t, t.TempDir(), now), open(t, t.TempDir(), now)
	a, err := s.Issue(role, "a", nil, time.Hour)
	require.NoError(t, err)
	b, err := s.Issue(role, "b", nil, time.Hour)
	require.NoError(t, err)
	foreign, err := other.Issue(role, "a", nil, time.Hour)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		key, token string
		want       error
	}{
		"unknown key":           {"AKIAEXAMPLE", "", ErrUnknownKey},
		"session without token": {a.AccessKeyID, "", ErrInvalidToken},
		"token of another key":  {a.AccessKeyID, b.SessionToken, ErrInvalidToken},
		"altered token":         {a.AccessKeyID, "x" + a.SessionToken[1:], ErrInvalidToken},
		"sealed elsewhere":      {foreign.AccessKeyID, foreign.SessionToken, ErrInvalidToken},
		"root with a token":     {s.Admin().AccessKeyID, a.SessionToken, ErrInvalidToken},
	} {
		t.Run(name, func(t *testing.T) {
			_, secret, err := s.Lookup(c.key, c.token)
			require.ErrorIs(t, err, c.want)
			require.Empty(t, secret)
		})
	}
}

func TestIssueRefuses(t *testing.T) {
	s := open(t, t.TempDir(), time.Now())
	for _, ttl := range []time.Duration{0, -time.Second, MaxTTL + time.Second} {
		_, err := s.Issue(role, "a", nil, ttl)
		require.Error(t, err)
	}
	_, err := s.Issue("not a role", "a", nil, time.Hour)
	require.Error(t, err)
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, time.Now())
	path := filepath.Join(dir, "keys.json")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	_, err = Open(Config{Dir: dir, AccountID: "000000000000"})
	require.ErrorIs(t, err, ErrDamagedKeys)
}
