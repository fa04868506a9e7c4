package registry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/pki"
	"porchlight/internal/localcloud/iotcore/registry"
)

type fixture struct {
	*registry.Registry
	authority *pki.Authority
	dir       string
	now       time.Time
	changed   []string
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), now: time.Now()}
	var err error
	f.authority, err = pki.Open(filepath.Join(f.dir, "pki"))
	require.NoError(t, err)
	f.reopen(t)
	return f
}

func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	var err error
	f.Registry, err = registry.Open(registry.Config{
		Dir: f.dir, Now: func() time.Time { return f.now }, Changed: func(id string) { f.changed = append(f.changed, id) },
	})
	require.NoError(t, err)
}

func (f *fixture) pem(t *testing.T) []byte {
	t.Helper()
	certPEM, _, _, err := f.authority.Client(0)
	require.NoError(t, err)
	return certPEM
}

func TestEverythingOutlivesTheProcess(t *testing.T) {
	f := open(t)
	id, err := f.AddCertificate(f.pem(t), registry.Active)
	require.NoError(t, err)
	_, err = f.CreateThing("cam", map[string]string{"a": "b"})
	require.NoError(t, err)
	require.NoError(t, f.AttachPolicy(id, "p"))
	require.NoError(t, f.AttachPolicy(id, "p"), "twice is once")
	require.NoError(t, f.AttachThing("cam", id))
	claim, expires, err := f.AddClaim(f.pem(t), "fleet")
	require.NoError(t, err)
	require.Equal(t, []string{id, id, id}, f.changed)

	f.reopen(t)
	who, ok := f.Identify(id)
	require.True(t, ok)
	require.Equal(t, []string{"p"}, who.Policies)
	require.True(t, who.IsAttached("cam"))
	require.Equal(t, map[string]string{"a": "b"}, who.Attributes("cam"))
	require.True(t, f.Current(who))
	who, ok = f.Identify(claim)
	require.True(t, ok)
	require.Equal(t, "fleet", who.Claim)
	f.now = expires
	_, ok = f.Identify(claim)
	require.False(t, ok)
	require.False(t, f.Current(who), "it has run out")
}

func TestLimits(t *testing.T) {
	f := open(t)
	id, err := f.AddCertificate(f.pem(t), registry.Active)
	require.NoError(t, err)
	for i := range 10 {
		require.NoError(t, f.AttachPolicy(id, fmt.Sprint(i)))
	}
	require.ErrorIs(t, f.AttachPolicy(id, "more"), registry.ErrLimit)
	_, err = f.AddCertificate([]byte("x"), registry.Active)
	require.ErrorIs(t, err, registry.ErrInvalid)
	require.ErrorIs(t, f.Provision("no token", registry.Plan{}), registry.ErrToken)
}

// TestTokenIsGoodOnce: of many that use it at the same time one succeeds.
func TestTokenIsGoodOnce(t *testing.T) {
	f := open(t)
	id, token, err := f.AddPending(f.pem(t), "claim")
	require.NoError(t, err)
	_, ok := f.Identify(id)
	require.False(t, ok)
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() {
			results <- f.Provision(token, registry.Plan{Status: registry.Active, Thing: fmt.Sprintf("cam-%d", i)})
		})
	}
	wg.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else {
			require.ErrorIs(t, err, registry.ErrToken)
		}
	}
	require.Equal(t, 1, done)
	require.Len(t, f.Things(), 1)
	raw, err := os.ReadFile(filepath.Join(f.dir, "registry.json"))
	require.NoError(t, err)
	require.NotContains(t, string(raw), token)
}

func TestOverrides(t *testing.T) {
	for override, want := range map[registry.Override]map[string]string{
		registry.DoNothing: {"a": "1"},
		registry.Merge:     {"a": "1", "b": "2"},
		registry.Replace:   {"b": "2"},
		registry.Fail:      nil,
	} {
		f := open(t)
		_, err := f.CreateThing("cam", map[string]string{"a": "1"})
		require.NoError(t, err)
		_, token, err := f.AddPending(f.pem(t), "claim")
		require.NoError(t, err)
		err = f.Provision(token, registry.Plan{
			Status: registry.Active, Thing: "cam", Attributes: map[string]string{"b": "2"}, Groups: []string{"g"},
			AttributesOverride: override, GroupsOverride: override,
		})
		if want == nil {
			require.ErrorIs(t, err, registry.ErrExists)
			_, _, err = f.Owned(token)
			require.NoError(t, err, "and the token is still good")
			continue
		}
		require.NoError(t, err)
		got, err := f.Thing("cam")
		require.NoError(t, err)
		require.Equal(t, want, got.Attributes)
		require.Equal(t, override != registry.DoNothing, len(got.Groups) == 1)
	}
}

func TestDamagedFile(t *testing.T) {
	for name, content := range map[string]string{
		"half": `{"version":2,"things":{`, "newer": `{"version":3}`, "no sections": `{"version":2}`, "no object": `[]`,
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "registry.json"), []byte(content), 0o600))
		_, err := registry.Open(registry.Config{Dir: dir})
		require.ErrorContains(t, err, "registry.json", name)
	}
}
