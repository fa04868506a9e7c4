package provisioning_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/provisioning"
	"porchlight/internal/cloud/store"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

type world struct {
	*store.Store
	hook *provisioning.Hook
	log  *bytes.Buffer
}

func fresh(t *testing.T) world {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	s := store.New(store.Config{API: db, Table: dynamotest.Table().TableName, Now: func() time.Time { return t0 }})
	return over(s, s)
}

func over(s *store.Store, used provisioning.Store) world {
	w := world{Store: s, log: &bytes.Buffer{}}
	w.hook = provisioning.New(provisioning.Config{
		Store: used, CredentialsEndpoint: func(context.Context) (string, error) { return "creds.example:443", nil },
		Log: slog.New(slog.NewJSONHandler(w.log, nil)), Now: func() time.Time { return t0 },
	})
	return w
}

// device is a key and what IoT Core tells the hook of it.
type device struct{ key *ecdsa.PrivateKey }

func newDevice(t testing.TB) device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return device{key}
}

type fields = map[string]any

// asks makes a request with a certificate that is new each time.
func (d device) asks(t testing.TB, serial string) fields {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: number, Subject: pkix.Name{CommonName: "AWS IoT Certificate"}, NotBefore: t0, NotAfter: t0.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, d.key.Public(), d.key)
	require.NoError(t, err)
	id := sha256.Sum256(der)
	return fields{
		"claimCertificateId": strings.Repeat("c", 64), "certificateId": hex.EncodeToString(id[:]),
		"certificatePem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"templateArn":    "arn:aws:iot:us-east-1:000000000000:provisioningtemplate/porchlight-prod-device",
		"clientId":       "claim-007-x", "parameters": fields{"SerialNumber": serial},
	}
}

func (w world) decide(t *testing.T, input any) provisioning.Answer {
	t.Helper()
	raw, err := json.Marshal(input)
	require.NoError(t, err)
	answer, err := w.hook.Handle(t.Context(), raw)
	require.NoError(t, err)
	return answer
}

// counted returns how often a metric was logged, in the form that CloudWatch
// reads.
func (w world) counted(t *testing.T, metric string) (n int) {
	t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var parsed struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
			DevicesAllowed, DevicesRefused int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &parsed), line)
		for _, m := range parsed.AWS.CloudWatchMetrics {
			require.Equal(t, "Porchlight", m.Namespace)
			require.Equal(t, t0.UnixMilli(), parsed.AWS.Timestamp)
			if m.Metrics[0].Name == metric {
				n += parsed.DevicesAllowed + parsed.DevicesRefused
			}
		}
	}
	return n
}

func refused() provisioning.Answer { return provisioning.Answer{} }

func TestAllowedDeviceBecomesItsThing(t *testing.T) {
	w, d := fresh(t), newDevice(t)
	_, _, err := w.AllowDevice(t.Context(), "007", "porch", "alice")
	require.NoError(t, err)
	first := d.asks(t, "007")
	want := provisioning.Answer{Allow: true, Overrides: map[string]string{"ThingName": "porch", "CredentialsEndpoint": "creds.example:443"}}
	require.Equal(t, want, w.decide(t, first))
	require.Equal(t, want, w.decide(t, first), "the same request again")
	second := d.asks(t, "007")
	require.Equal(t, want, w.decide(t, second), "the same device with a new certificate")
	for _, request := range []fields{first, second} {
		thing, err := w.ThingOf(t.Context(), request["certificateId"].(string))
		require.NoError(t, err)
		require.Equal(t, "porch", thing)
	}
	owner, err := w.OwnerOf(t.Context(), "porch")
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
	known, err := w.Device(t.Context(), "007")
	require.NoError(t, err)
	require.Equal(t, second["certificateId"], known.CertificateID)
	require.Equal(t, 3, w.counted(t, "DevicesAllowed"))
	require.Zero(t, w.counted(t, "DevicesRefused"))
}

func TestUnknownSerialIsRefused(t *testing.T) {
	w := fresh(t)
	require.Equal(t, refused(), w.decide(t, newDevice(t).asks(t, "007")))
	require.Equal(t, 1, w.counted(t, "DevicesRefused"))
	require.Contains(t, w.log.String(), "unknown serial")
}

func TestAnotherDeviceCannotTakeASerial(t *testing.T) {
	w, owner, thief := fresh(t), newDevice(t), newDevice(t)
	_, _, err := w.AllowDevice(t.Context(), "007", "porch", "")
	require.NoError(t, err)
	require.True(t, w.decide(t, owner.asks(t, "007")).Allow)
	stolen := thief.asks(t, "007")
	require.Equal(t, refused(), w.decide(t, stolen))
	_, err = w.ThingOf(t.Context(), stolen["certificateId"].(string))
	require.ErrorIs(t, err, store.ErrNotFound)
	require.True(t, w.decide(t, owner.asks(t, "007")).Allow, "the owner's goes on")

	require.NoError(t, w.ReopenDevice(t.Context(), "007")) // after a factory reset
	require.True(t, w.decide(t, thief.asks(t, "007")).Allow)
	require.Equal(t, refused(), w.decide(t, owner.asks(t, "007")))
}

func TestAnotherDeviceCannotTakeAName(t *testing.T) {
	w := fresh(t)
	for _, serial := range []string{"007", "008"} { // the operator's mistake
		_, _, err := w.AllowDevice(t.Context(), serial, "porch", "")
		require.NoError(t, err)
	}
	require.True(t, w.decide(t, newDevice(t).asks(t, "007")).Allow)
	require.Equal(t, refused(), w.decide(t, newDevice(t).asks(t, "008")))
	require.Contains(t, w.log.String(), "name taken")

	require.NoError(t, w.Claim(t.Context(), "shed", "bob"))
	_, _, err := w.AllowDevice(t.Context(), "009", "shed", "alice")
	require.NoError(t, err)
	require.Equal(t, refused(), w.decide(t, newDevice(t).asks(t, "009")))
	owner, err := w.OwnerOf(t.Context(), "shed")
	require.NoError(t, err)
	require.Equal(t, "bob", owner)
}

func TestThingThatChangedHandsIsNotGivenBack(t *testing.T) {
	w, d := fresh(t), newDevice(t)
	require.NoError(t, w.ReserveThing(t.Context(), "porch", "007", ""))
	require.NoError(t, w.Claim(t.Context(), "porch", "bob"))
	_, _, err := w.AllowDevice(t.Context(), "007", "porch", "alice")
	require.NoError(t, err)
	require.Equal(t, refused(), w.decide(t, d.asks(t, "007")))
	require.Contains(t, w.log.String(), "another owner")
}

func TestHostileInputIsRefusedLoggedAndCounted(t *testing.T) {
	w, d := fresh(t), newDevice(t)
	_, _, err := w.AllowDevice(t.Context(), "007", "007", "")
	require.NoError(t, err)
	with := func(name string, value any) fields {
		f := d.asks(t, "007")
		f[name] = value
		return f
	}
	twice := d.asks(t, "007")["certificatePem"].(string)
	inputs := map[string]any{
		"no object":              []int{1},
		"null":                   nil,
		"number for a serial":    with("parameters", fields{"SerialNumber": 7}),
		"no serial":              with("parameters", fields{}),
		"serial with key mark":   with("parameters", fields{"SerialNumber": "007#x"}),
		"serial of a thousand":   with("parameters", fields{"SerialNumber": strings.Repeat("7", 1000)}),
		"names itself":           with("parameters", fields{"SerialNumber": "007", "ThingName": "porch"}),
		"chooses an endpoint":    with("parameters", fields{"SerialNumber": "007", "CredentialsEndpoint": "evil.example:443"}),
		"no certificate":         with("certificatePem", ""),
		"certificate is a key":   with("certificatePem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"certificate is garbage": with("certificatePem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		"two certificates":       with("certificatePem", twice+twice),
		"certificate id is text": with("certificateId", "x"),
		"upper-case certificate": with("certificateId", strings.Repeat("A", 64)),
		"huge":                   with("clientId", strings.Repeat("x", 1<<20)),
	}
	for name, input := range inputs {
		require.Equal(t, refused(), w.decide(t, input), name)
	}
	require.Equal(t, len(inputs), w.counted(t, "DevicesRefused"))
	require.Less(t, w.log.Len(), 2000*len(inputs), "logs are bounded too")
	d2, err := w.Device(t.Context(), "007")
	require.NoError(t, err)
	require.Empty(t, d2.PublicKey)
}

// broken is a table that cannot be reached.
type broken struct{ provisioning.Store }

var errDown = errors.New("table is down")

func (broken) BindDevice(context.Context, string, string, string) (store.Device, error) {
	return store.Device{}, errDown
}

func TestWhatCannotBeDecidedIsAnErrorNotAYes(t *testing.T) {
	w := over(nil, broken{})
	raw, err := json.Marshal(newDevice(t).asks(t, "007"))
	require.NoError(t, err)
	answer, err := w.hook.Handle(t.Context(), raw)
	require.ErrorIs(t, err, errDown)
	require.Equal(t, refused(), answer)
}

type endpoints struct {
	calls   int
	address string
	err     error
}

func (e *endpoints) DescribeEndpoint(_ context.Context, in *iot.DescribeEndpointInput, _ ...func(*iot.Options)) (*iot.DescribeEndpointOutput, error) {
	if *in.EndpointType != "iot:CredentialProvider" {
		return nil, errors.New("another endpoint")
	}
	e.calls++
	return &iot.DescribeEndpointOutput{EndpointAddress: aws.String(e.address)}, e.err
}

func TestCredentialsEndpointIsAskedForOnce(t *testing.T) {
	for given, want := range map[string]string{"abc.credentials.iot.us-east-1.amazonaws.com": "abc.credentials.iot.us-east-1.amazonaws.com:443", "127.0.0.1:8443": "127.0.0.1:8443"} {
		api := &endpoints{address: given, err: errDown}
		ask := provisioning.CredentialsEndpoint(api)
		_, err := ask(t.Context())
		require.ErrorIs(t, err, errDown, "and not remembered")
		api.err = nil
		for range 3 {
			got, err := ask(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		require.Equal(t, 2, api.calls)
	}
}

func TestADeviceCanDoWithoutTheEndpoint(t *testing.T) {
	w := fresh(t)
	_, _, err := w.AllowDevice(t.Context(), "007", "porch", "")
	require.NoError(t, err)
	hook := provisioning.New(provisioning.Config{
		Store: w.Store, Log: slog.New(slog.DiscardHandler),
		CredentialsEndpoint: func(context.Context) (string, error) { return "", errDown },
	})
	raw, err := json.Marshal(newDevice(t).asks(t, "007"))
	require.NoError(t, err)
	answer, err := hook.Handle(t.Context(), raw)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ThingName": "porch", "CredentialsEndpoint": ""}, answer.Overrides)
}

// nobody is a store in which no serial is allowed.
type nobody struct{ provisioning.Store }

func (nobody) BindDevice(_ context.Context, serial, publicKey, certificateID string) (store.Device, error) {
	if strings.ContainsAny(serial, "#/. \x00") || len(publicKey) != 64 || len(certificateID) != 64 {
		panic("a hostile value came through")
	}
	return store.Device{}, store.ErrNotFound
}

func FuzzHandle(f *testing.F) {
	f.Fuzz(func(t *testing.T, input []byte) {
		w := over(nil, nobody{})
		answer, err := w.hook.Handle(context.Background(), input)
		if err != nil || answer.Allow {
			t.Fatalf("answer %+v, %v", answer, err)
		}
		if n := w.log.Len(); n > 4000 {
			t.Fatalf("%d bytes logged", n)
		}
	})
}
