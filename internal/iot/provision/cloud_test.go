package provision

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"
)

// cloud is a broker that speaks the provisioning API as its page documents it.
type cloud struct {
	t         *testing.T
	mqtt      *mqtt.Server
	addr      string
	dir       string
	caKey     *ecdsa.PrivateKey
	ca        *x509.Certificate
	answering sync.WaitGroup

	mu           sync.Mutex
	tokens       map[string]string // certificate id by unused token
	things       map[string]string // by certificate id
	keys         []string          // public keys that were certified
	certificates int
	parameters   map[string]string // of the last request

	// What a test may put in the way; onMade is called with the lock held.
	onConnect   func(clientID string) bool
	onCreate    func() (rejected string, silent bool)
	onProvision func() (rejected string, silent bool)
	onMade      func() // the thing is made; the answer is then not sent
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, dir: t.TempDir(), tokens: map[string]string{}, things: map[string]string{}}
	c.caKey, c.ca = c.authority()
	var serverKey *ecdsa.PrivateKey
	serverDER, serverKey := c.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "broker"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil)
	c.write("claim.pem", "claim.key")

	c.mqtt = mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, c.mqtt.AddHook(&hook{cloud: c}, nil))
	pool := x509.NewCertPool()
	pool.AddCert(c.ca)
	listener := listeners.NewTCP(listeners.Config{ID: "tls", Address: "127.0.0.1:0", TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}})
	require.NoError(t, c.mqtt.AddListener(listener))
	c.serveAPI(createTopic, c.create)
	c.serveAPI(provisionTopic("fleet"), c.provision)
	require.NoError(t, c.mqtt.Serve())
	c.addr = listener.Address()
	t.Cleanup(func() {
		require.NoError(t, c.mqtt.Close())
		c.answering.Wait()
	})
	return c
}

func (c *cloud) authority() (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(c.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(c.t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, "ca.pem"), encode("CERTIFICATE", der), 0o600))
	return key, certificate
}

// sign makes a certificate for a public key, or for a new one.
func (c *cloud) sign(template *x509.Certificate, public any) ([]byte, *ecdsa.PrivateKey) {
	var key *ecdsa.PrivateKey
	if public == nil {
		var err error
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(c.t, err)
		public = key.Public()
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(c.t, err)
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, public, c.caKey)
	require.NoError(c.t, err)
	return der, key
}

// write makes a client certificate and key as files.
func (c *cloud) write(certificate, key string) {
	der, private := c.sign(&x509.Certificate{Subject: pkix.Name{CommonName: certificate}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, nil)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, certificate), encode("CERTIFICATE", der), 0o600))
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, key), encode("PRIVATE KEY", keyDER), 0o600))
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// serveAPI answers requests on a topic, beside the broker's own goroutine as
// IoT Core does.
func (c *cloud) serveAPI(topic string, handle func(request map[string]json.RawMessage) (answer any, rejected string, silent bool)) {
	require.NoError(c.t, c.mqtt.Subscribe(topic, len(topic), func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		c.answering.Go(func() {
			var request map[string]json.RawMessage
			if json.Unmarshal(pk.Payload, &request) != nil {
				panic("not JSON: " + string(pk.Payload))
			}
			answer, rejected, silent := handle(request)
			switch {
			case silent:
			case rejected != "":
				_ = c.mqtt.Publish(topic+"/rejected", []byte(rejected), false, 1)
			default:
				text, _ := json.Marshal(answer)
				_ = c.mqtt.Publish(topic+"/accepted", text, false, 1)
			}
		})
	}))
}

func (c *cloud) create(request map[string]json.RawMessage) (any, string, bool) {
	rejected, silent := call(c.onCreate)
	if rejected != "" || silent {
		return nil, rejected, silent
	}
	var text string
	_ = json.Unmarshal(request["certificateSigningRequest"], &text)
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		panic("no CSR: " + text)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		panic("bad CSR")
	}
	der, _ := c.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "AWS IoT Certificate"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, csr.PublicKey)
	sum := sha256.Sum256(der)
	id, token := hex.EncodeToString(sum[:]), rand.Text()
	public, _ := x509.MarshalPKIXPublicKey(csr.PublicKey)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = id
	c.keys = append(c.keys, string(public))
	c.certificates++
	return map[string]string{"certificateId": id, "certificatePem": string(encode("CERTIFICATE", der)), "certificateOwnershipToken": token}, "", false
}

const (
	badToken  = `{"statusCode":400,"errorCode":"InvalidCertificateOwnershipToken","errorMessage":"Certificate ownership token is not valid"}`
	denied    = `{"statusCode":403,"errorCode":"ACCESS_DENIED","errorMessage":"Access Denied"}`
	throttled = `{"statusCode":429,"errorCode":"Throttled","errorMessage":"slow down"}`
)

func (c *cloud) provision(request map[string]json.RawMessage) (any, string, bool) {
	if rejected, silent := call(c.onProvision); rejected != "" || silent {
		return nil, rejected, silent
	}
	var token string
	_ = json.Unmarshal(request["certificateOwnershipToken"], &token)
	c.mu.Lock()
	defer c.mu.Unlock()
	id, known := c.tokens[token]
	if !known {
		return nil, badToken, false
	}
	delete(c.tokens, token)
	c.parameters = nil
	_ = json.Unmarshal(request["parameters"], &c.parameters)
	thing := "porch-" + c.parameters["SerialNumber"]
	c.things[id] = thing
	if c.onMade != nil {
		c.onMade()
		return nil, "", true
	}
	return map[string]any{"thingName": thing, "deviceConfiguration": map[string]string{"role_alias": "device"}}, "", false
}

func call(f func() (string, bool)) (string, bool) {
	if f == nil {
		return "", false
	}
	return f()
}

// hook lets a claim certificate in as claim-*, and a thing's as the thing.
type hook struct {
	mqtt.HookBase
	cloud *cloud
}

func (h *hook) ID() string                                 { return "cloud" }
func (h *hook) Provides(b byte) bool                       { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }
func (h *hook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	c := h.cloud
	if c.onConnect != nil && !c.onConnect(cl.ID) {
		return false
	}
	peer := cl.Net.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if peer.Subject.CommonName == "claim.pem" {
		return strings.HasPrefix(cl.ID, "claim-")
	}
	sum := sha256.Sum256(peer.Raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.things[hex.EncodeToString(sum[:])] == cl.ID
}

// config of a device with serial 007.
func (c *cloud) config(dir string) Config {
	return Config{
		Dir: filepath.Join(dir, "identity"), Endpoint: c.addr, CA: filepath.Join(c.dir, "ca.pem"), Template: "fleet",
		ClaimCertificate: filepath.Join(c.dir, "claim.pem"), ClaimKey: filepath.Join(c.dir, "claim.key"), Serial: "007",
		Log:   slog.New(slog.DiscardHandler),
		pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}
