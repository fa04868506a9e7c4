package iot_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
	"porchlight/internal/iot/iottest"
)

// trouble connects, waits until it has failed a few times, and returns what the
// client makes of it. It must have said so once.
func trouble(t *testing.T, b *iottest.Broker, edit func(*iot.ClientConfig)) error {
	t.Helper()
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) {
		cfg.Log = log.logger()
		if edit != nil {
			edit(cfg)
		}
	})
	eventually(t, func() bool { return c.Stats().FailedTries >= 3 }, "it tries again and again")
	require.Len(t, log.with("no connection to IoT Core"), 1, "said once, not at every try")
	stats := c.Stats()
	require.False(t, stats.Connected)
	require.Zero(t, stats.Connects)
	require.Error(t, stats.Trouble)
	return stats.Trouble
}

func TestCertificatesThatAreNotValidNow(t *testing.T) {
	years := func(n int) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().AddDate(n, 0, 0), time.Now().AddDate(n, 6, 0)
		}
	}
	t.Run("the endpoint's has expired", func(t *testing.T) {
		b := iottest.New(t, nil)
		b.Certificate(b.Issue("localhost", years(-2)))
		b.Up()
		err := trouble(t, b, nil)
		require.ErrorIs(t, err, iot.ErrNotValidNow)
		require.ErrorContains(t, err, "this device's clock says "+time.Now().UTC().Format("2006-"))
		require.ErrorContains(t, err, "have the endpoint's renewed")
	})
	t.Run("the clock is behind", func(t *testing.T) {
		b := iottest.New(t, nil)
		b.Certificate(b.Issue("localhost", years(+2)))
		b.Up()
		err := trouble(t, b, nil)
		require.ErrorIs(t, err, iot.ErrNotValidNow)
		require.ErrorContains(t, err, "set the clock (is NTP running?)")
	})
	for name, from := range map[string]int{"ours has expired": -2, "ours is of the future": +2} {
		t.Run(name, func(t *testing.T) {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				b := iottest.New(t, func(c *tls.Config) { c.MaxVersion = version })
				b.Up()
				err := trouble(t, b, func(cfg *iot.ClientConfig) {
					cfg.TLS.Certificates = []tls.Certificate{b.Issue("home", years(from))}
				})
				require.ErrorIs(t, err, iot.ErrNotValidNow)
				require.ErrorContains(t, err, "this device's certificate is valid from")
			}
		})
	}
}

func TestExpiryIsSaidAtTheStart(t *testing.T) {
	b := iottest.New(t, nil)
	for text, lasts := range map[string]time.Duration{
		"expires soon": 29 * 24 * time.Hour, "is not valid by its clock": -time.Hour, "": 31 * 24 * time.Hour,
	} {
		log := &logged{}
		pair := b.Issue("home", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().Add(lasts)
		})
		c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.TLS.Certificates = []tls.Certificate{pair}; cfg.Log = log.logger() })
		require.WithinDuration(t, pair.Leaf.NotAfter, c.Stats().CertificateExpires, 0)
		if text == "" {
			require.Empty(t, log.with("this device's certificate"))
		} else {
			require.Len(t, log.with(text), 1)
		}
	}
}

func TestEndpointThatIsNotTrusted(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	err := trouble(t, b, func(cfg *iot.ClientConfig) { cfg.TLS.RootCAs = iottest.NewAuthority(t).Pool() })
	require.ErrorIs(t, err, iot.ErrUntrusted)
	require.ErrorContains(t, err, "Amazon Root CA 1")

	b = iottest.New(t, nil)
	b.Certificate(b.Issue("other", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other"}, nil }))
	b.Up()
	require.ErrorIs(t, trouble(t, b, nil), iot.ErrUntrusted)
}

func TestCertificateThatIsNotAccepted(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) (*iottest.Broker, func(*iot.ClientConfig)){
		"of another CA": func(t *testing.T) (*iottest.Broker, func(*iot.ClientConfig)) {
			return iottest.New(t, nil), func(cfg *iot.ClientConfig) {
				cfg.TLS.Certificates = []tls.Certificate{iottest.NewAuthority(t).Issue("home", nil)}
				pair := &cfg.TLS.Certificates[0] // shown although the endpoint asks for another CA's
				cfg.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
			}
		},
		"not registered": func(t *testing.T) (*iottest.Broker, func(*iot.ClientConfig)) {
			refuse := func(tls.ConnectionState) error { return errors.New("unknown") }
			return iottest.New(t, func(c *tls.Config) { c.VerifyConnection = refuse }), nil
		},
		"none": func(t *testing.T) (*iottest.Broker, func(*iot.ClientConfig)) {
			return iottest.New(t, nil), func(cfg *iot.ClientConfig) { cfg.TLS.Certificates = nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, edit := make(t)
			b.Up()
			require.ErrorIs(t, trouble(t, b, edit), iot.ErrCertificate)
		})
	}
}

func TestPolicyThatDoesNotAllowToConnect(t *testing.T) {
	b := iottest.New(t, nil)
	b.MayConnect = func(*mqtt.Client) packets.Code { return packets.ErrNotAuthorized }
	b.Up()
	err := trouble(t, b, nil)
	require.ErrorIs(t, err, iot.ErrNotAuthorized)
	require.ErrorContains(t, err, "0x87")
	require.ErrorContains(t, err, "client id home")
}

func TestEndpointsThatAreNone(t *testing.T) {
	b := iottest.New(t, nil) // down: hangs up during the handshake
	require.ErrorIs(t, trouble(t, b, nil), iot.ErrHungUp)
	require.ErrorIs(t, iot.Explain(&net.DNSError{IsNotFound: true}), iot.ErrUnreachable)
	require.ErrorContains(t, iot.Explain(&net.DNSError{IsNotFound: true}), "its name is not known")
	require.ErrorContains(t, iot.Explain(syscall.ECONNREFUSED), "a firewall lets endpoint:8883 through")

	other := iottest.New(t, func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	other.Up()
	err := trouble(t, other, func(cfg *iot.ClientConfig) { cfg.TLS.NextProtos = []string{"x-amzn-mqtt-ca"} })
	require.ErrorIs(t, err, iot.ErrUnreachable)
	require.ErrorContains(t, err, "does not speak MQTT")
}

// Two devices with one name take it from each other, for ever. It is said once,
// and the pace is not that of the network.
func TestNameThatIsTakenOver(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	log := &logged{}
	c := connect(t, b, func(cfg *iot.ClientConfig) { cfg.Log = log.logger() })
	for i := range int64(3) {
		eventually(t, func() bool { s := c.Stats(); return s.Connected && s.Connects == i+1 }, "it connects")
		b.Kick("home", packets.ErrSessionTakenOver)
	}
	eventually(t, func() bool { return errors.Is(c.Stats().Trouble, iot.ErrTakenOver) }, "it is known")
	require.ErrorContains(t, c.Stats().Trouble, "two devices use the name home")
	eventually(t, func() bool { return len(log.with("two devices use the name")) > 0 }, "it is said")
	require.Len(t, log.with("level=WARN"), 1, "once")
}

func TestKeyOfAnotherCertificate(t *testing.T) {
	a := iottest.NewAuthority(t)
	cert, _, ca := a.Files(a.Issue("home", nil))
	_, key, _ := a.Files(a.Issue("other", nil))
	_, err := iot.LoadIdentity(cert, key, ca)
	require.ErrorIs(t, err, iot.ErrIdentity)
	require.ErrorIs(t, err, iot.ErrKeyMismatch)
	require.ErrorContains(t, err, "use the two files that were made together")
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, key, _ = a.Files(a.Issue("home", nil))
	_, err = iot.LoadIdentity(cert, key, empty)
	require.ErrorIs(t, err, iot.ErrIdentity)
}

// A connection that the client's owner ends is no trouble.
func TestOrderlyEndIsQuiet(t *testing.T) {
	b := iottest.New(t, nil)
	b.Up()
	log := &logged{}
	c, err := iot.Connect(t.Context(), quiet(b, log.logger()))
	require.NoError(t, err)
	box := subscribe(t.Context(), c, "a")
	next(t, box.ready)
	require.NoError(t, c.Disconnect(t.Context()))
	c.Wait()
	require.ErrorContains(t, c.Publish(t.Context(), "a", nil), "the client has ended")
	c.Subscribe(t.Context(), "b", nil, nil)
	require.Empty(t, log.with("level=WARN"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = iot.Connect(ctx, quiet(b, log.logger()))
	require.NoError(t, err)
}

func quiet(b *iottest.Broker, log *slog.Logger) iot.ClientConfig {
	return iot.ClientConfig{
		Endpoint: b.Addr(), ClientID: "home", TLS: b.Identity("home"), Log: log, NewSession: func() string { return "session" },
	}
}
