package lan_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/edge/lan"
	"porchlight/internal/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is only ever reached by a failing test.
const patience = 30 * time.Second

// The passwords of the tests' users, which no log may show.
const (
	hallwayPassword = "hallway-hush"
	kitchenPassword = "kitchen-hush"
	hassPassword    = "hass-hush-hush"
)

func users() map[string]config.LANUser {
	return map[string]config.LANUser{
		"hallway": {Password: hallwayPassword, Role: config.RoleDevice, Sensors: []string{"door", "stairs"}},
		"kitchen": {Password: kitchenPassword, Role: config.RoleDevice, Topics: []string{"zigbee2mqtt/#"}},
		"hass":    {Password: hassPassword, Role: config.RoleHomeAssistant},
	}
}

// journal is a log that can be read while it is written.
type journal = logtest.Memory

func newLog(t testing.TB) (*slog.Logger, *journal) {
	j := &journal{}
	t.Cleanup(func() {
		for _, password := range []string{hallwayPassword, kitchenPassword, hassPassword} {
			if bytes.Contains([]byte(j.String()), []byte(password)) {
				t.Error("a password is in the log")
			}
		}
	})
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})), j
}

// serve runs a broker until the test ends and returns its address.
func serve(t *testing.T, settings config.LAN) (b *lan.Broker, address string, log *journal) {
	t.Helper()
	if settings.Listen == "" {
		settings.Listen = "127.0.0.1:0"
	}
	logger, log := newLog(t)
	listening := make(chan string, 1)
	b, err := lan.NewBroker(lan.BrokerConfig{
		Thing: "home", LAN: settings, Prefix: "homeassistant", Log: logger, OnListen: func(a string) { listening <- a },
	})
	require.NoError(t, err)
	run(t, b.Run)
	select {
	case address = <-listening:
	case <-time.After(patience):
		require.FailNow(t, "it does not listen", log.String())
	}
	return b, address, log
}

// run runs until the test ends, or stop is called.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return stop
}

type got struct{ topic, payload string }

// subscriber is what Broker and Client have in common.
type subscriber interface {
	Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte), ready func())
}

// listen returns what comes on filter. It returns once the subscription
// stands; readies counts how often it did.
func listen(t *testing.T, s subscriber, filter string) (messages <-chan got, readies <-chan struct{}) {
	t.Helper()
	heard, ready := make(chan got, 1000), make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Subscribe(ctx, filter, func(topic string, payload []byte) { heard <- got{topic, string(payload)} }, func() { ready <- struct{}{} })
	}()
	t.Cleanup(func() { cancel(); <-done })
	await(t, ready)
	return heard, ready
}

func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// tool runs one of Debian's MQTT clients and returns what it printed.
func tool(t *testing.T, name, address string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	require.NoError(t, ctx.Err(), "%s hangs: %s", name, out)
	return string(out), err
}

// authority signs certificates for the tests.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{dir: t.TempDir()}
	a.key, a.cert = a.sign(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) sign(t *testing.T, name string, c *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<60))
	require.NoError(t, err)
	c.Subject = pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a.write(t, name+".pem", "CERTIFICATE", der)
	a.write(t, name+".key", "PRIVATE KEY", raw)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return key, cert
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// server makes the certificate of a broker on loopback.
func (a *authority) server(t *testing.T) {
	a.sign(t, "broker", &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func (a *authority) client(t *testing.T, name string) {
	a.sign(t, name, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}
