package provision

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds a test that would otherwise try for ever.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestDeviceGetsItsIdentity(t *testing.T) {
	c := newCloud(t)
	cfg := c.config(t.TempDir())
	cfg.Parameters = map[string]string{"Place": "porch"}
	id, err := Ensure(within(t), cfg)
	require.NoError(t, err)
	require.Equal(t, Identity{
		Thing: "porch-007", Certificate: filepath.Join(cfg.Dir, "certificate.pem"), PrivateKey: filepath.Join(cfg.Dir, "private.key"),
		DeviceConfiguration: map[string]string{"role_alias": "device"},
	}, id)
	require.Equal(t, map[string]string{"SerialNumber": "007", "Place": "porch"}, c.parameters)
	for _, name := range []string{"private.key", "certificate.pem", "identity.json"} {
		info, err := os.Stat(filepath.Join(cfg.Dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	require.NoFileExists(t, filepath.Join(cfg.Dir, "pending.json"))

	// From now on neither the network nor the claim is needed.
	cfg.Endpoint, cfg.ClaimCertificate = "127.0.0.1:1", filepath.Join(c.dir, "gone.pem")
	again, err := Ensure(within(t), cfg)
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.Equal(t, 1, c.certificates)
}

// Each point at which power may go, as the cloud sees it. The device is
// started again after it and must come to one identity with one key.
func TestPowerGoesAtEveryPoint(t *testing.T) {
	type world struct {
		*cloud
		cut func() // the power
	}
	for name, c := range map[string]struct {
		arm          func(w world)
		certificates int // that the cloud has made in the end
	}{
		"key made, nothing sent": {func(w world) {
			w.onConnect = func(string) bool { w.cut(); return false }
		}, 1},
		"request for a certificate sent, not answered": {func(w world) {
			w.onCreate = func() (string, bool) { w.cut(); return "", true }
		}, 1},
		"certificate there, not yet a thing's": {func(w world) {
			w.onProvision = func() (string, bool) { w.cut(); return throttled, false }
		}, 1},
		"thing made, the answer lost: the token is used": {func(w world) {
			w.onMade = w.cut
		}, 2},
		"identity kept, not used yet": {func(w world) {
			w.onConnect = func(id string) bool {
				if strings.HasPrefix(id, "claim-") {
					return true
				}
				w.cut()
				return false
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cfg := cloud.config(t.TempDir())
			ctx, cut := context.WithCancel(within(t))
			c.arm(world{cloud, cut})
			_, err := Ensure(ctx, cfg)
			require.ErrorIs(t, err, context.Canceled)
			key := read(t, filepath.Join(cfg.Dir, "private.key"))

			cloud.mu.Lock() // what is under way ends first
			cloud.onConnect, cloud.onCreate, cloud.onProvision, cloud.onMade = nil, nil, nil, nil
			cloud.mu.Unlock()
			id, err := Ensure(within(t), cfg)
			require.NoError(t, err)
			require.Equal(t, "porch-007", id.Thing)
			require.Equal(t, key, read(t, id.PrivateKey))
			require.Equal(t, c.certificates, cloud.certificates)
			for _, k := range cloud.keys {
				require.Equal(t, cloud.keys[0], k, "one key for good")
			}
		})
	}
}

// Each state that a crash between two files leaves behind.
func TestHalfWrittenFilesDoNoHarm(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no identity.json":   func(dir string) error { return os.Remove(filepath.Join(dir, "identity.json")) },
		"identity.json cut":  func(dir string) error { return os.Truncate(filepath.Join(dir, "identity.json"), 9) },
		"no certificate":     func(dir string) error { return os.Remove(filepath.Join(dir, "certificate.pem")) },
		"certificate cut":    func(dir string) error { return os.Truncate(filepath.Join(dir, "certificate.pem"), 99) },
		"identity of nobody": func(dir string) error { return os.WriteFile(filepath.Join(dir, "identity.json"), []byte("{}"), 0o600) },
		"certificate of another": func(dir string) error {
			return copyFile(filepath.Join(dir, "other.pem"), filepath.Join(dir, "certificate.pem"))
		},
		"pending.json damaged": func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "pending.json"), []byte("{"), 0o600), os.Remove(filepath.Join(dir, "identity.json")))
		},
		"leftover of a write": func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "identity.json.new"), []byte("{"), 0o600), os.Remove(filepath.Join(dir, "identity.json")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			cfg := c.config(t.TempDir())
			first, err := Ensure(within(t), cfg)
			require.NoError(t, err)
			require.NoError(t, copyFile(filepath.Join(c.dir, "claim.pem"), filepath.Join(cfg.Dir, "other.pem")))
			require.NoError(t, damage(cfg.Dir))
			second, err := Ensure(within(t), cfg)
			require.NoError(t, err)
			require.Equal(t, first, second)
			require.Equal(t, 2, c.certificates)
			require.Equal(t, c.keys[0], c.keys[1])
		})
	}
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

func TestDamagedKeyIsReplacedAndSaid(t *testing.T) {
	c := newCloud(t)
	cfg := c.config(t.TempDir())
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	_, err := Ensure(within(t), cfg)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(cfg.Dir, "private.key"), 20))
	_, err = Ensure(within(t), cfg)
	require.NoError(t, err)
	require.NotEqual(t, c.keys[0], c.keys[1])
	require.Contains(t, log.String(), "allowed again")
	for _, secret := range []string{"PRIVATE KEY", "token\":\""} {
		require.NotContains(t, log.String(), secret)
	}
}

// first returns an answer for the first calls and lets the others pass.
func first(times int, rejected string) func() (string, bool) {
	return func() (string, bool) {
		if times--; times >= 0 {
			return rejected, false
		}
		return "", false
	}
}

func TestRejectionsAreSurvived(t *testing.T) {
	for name, c := range map[string]struct {
		create, provision func() (string, bool)
		certificates      int
		refusedWaits      int // of all waits
		waits             int
		said              string
	}{
		"throttled at the certificate": {create: first(3, throttled), certificates: 1, waits: 3, said: "busy"},
		"throttled at the thing":       {provision: first(3, throttled), certificates: 1, waits: 3, said: "busy"},
		"token of no use, once":        {provision: first(1, badToken), certificates: 2},
		"token of no use, again":       {provision: first(3, badToken), certificates: 3, waits: 1, said: "ownership token"},
		"refused by the hook":          {provision: first(4, denied), certificates: 1, waits: 4, refusedWaits: 4, said: "serial 007 is not allowed: add it with porchlight camera allow 007"},
		"an answer that is no JSON":    {create: first(1, "<html>"), certificates: 1, waits: 1, said: "cannot be read"},
		"something else":               {provision: first(1, `{"statusCode":500,"errorCode":"InternalError","errorMessage":"oops"}`), certificates: 1, waits: 1, said: "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.onCreate, cloud.onProvision = c.create, c.provision
			cfg := cloud.config(t.TempDir())
			var log bytes.Buffer
			cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			var waits []time.Duration
			cfg.pause = func(ctx context.Context, d time.Duration) error {
				waits = append(waits, d)
				return ctx.Err()
			}
			_, err := Ensure(within(t), cfg)
			require.NoError(t, err)
			require.Len(t, waits, c.waits)
			slow := 0
			for _, d := range waits {
				if d >= firstRefused/2 {
					slow++
				}
			}
			require.Equal(t, c.refusedWaits, slow)
			require.Equal(t, c.certificates, cloud.certificates)
			require.Contains(t, log.String(), c.said)
		})
	}
}

func TestNewCertificateThatDoesNotConnectIsReplaced(t *testing.T) {
	c := newCloud(t)
	refusals := 0
	c.onConnect = func(id string) bool {
		if strings.HasPrefix(id, "claim-") {
			return true
		}
		refusals++
		return refusals > mostRefusals
	}
	id, err := Ensure(within(t), c.config(t.TempDir()))
	require.NoError(t, err)
	require.Equal(t, "porch-007", id.Thing)
	require.Equal(t, 2, c.certificates)
	require.Equal(t, c.keys[0], c.keys[1])
}

func TestOfflineIsNormal(t *testing.T) {
	c := newCloud(t)
	cfg := c.config(t.TempDir())
	cfg.Endpoint = "127.0.0.1:1"
	ctx, cancel := context.WithCancel(within(t))
	tries := 0
	cfg.pause = func(ctx context.Context, _ time.Duration) error {
		if tries++; tries == 20 {
			cancel()
		}
		return ctx.Err()
	}
	_, err := Ensure(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 20, tries)
}

func TestWaitsGrowAndEnd(t *testing.T) {
	tr := newTries()
	for range 50 {
		require.Less(t, tr.after(errThrottled), 3*longestWait/2)
	}
	require.GreaterOrEqual(t, tr.after(errThrottled), longestWait/2)
	require.Less(t, tr.after(ErrNotAllowed), 3*firstRefused/2)
	for range 50 {
		require.Less(t, tr.after(ErrNotAllowed), 3*longestRefused/2)
	}
}

func TestBadConfigurationIsToldAtOnce(t *testing.T) {
	c := newCloud(t)
	serials := filepath.Join(t.TempDir(), "serial")
	require.NoError(t, os.WriteFile(serials, []byte("no serial at all"), 0o600))
	for name, change := range map[string]func(*Config){
		"no template":        func(c *Config) { c.Template = "" },
		"template of tricks": func(c *Config) { c.Template = "a/#" },
		"no serial":          func(c *Config) { c.Serial = "" },
		"bad serial":         func(c *Config) { c.Serial = "a b" },
		"bad serial file":    func(c *Config) { c.Serial = serials },
		"no serial file":     func(c *Config) { c.Serial = "/none" },
		"no claim":           func(c *Config) { c.ClaimCertificate = "/none" },
		"reserved name":      func(c *Config) { c.Parameters = map[string]string{"SerialNumber": "1"} },
		"folder is a file":   func(c *Config) { c.Dir = serials },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := c.config(t.TempDir())
			change(&cfg)
			_, err := Ensure(within(t), cfg)
			require.ErrorIs(t, err, ErrConfig)
		})
	}
}

func TestSerialFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serial-number")
	require.NoError(t, os.WriteFile(path, []byte("10000000abcdef\x00"), 0o600))
	serial, err := readSerial(path)
	require.NoError(t, err)
	require.Equal(t, "10000000abcdef", serial)
}
