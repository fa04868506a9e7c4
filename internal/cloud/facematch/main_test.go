package facematch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/facematch"
	cloud "porchlight/internal/cloud/gallery"
	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deviceRole = "AROADEVICE"

// certificate returns the id of the n-th.
func certificate(n int) string { return fmt.Sprintf("%064x", n) }

func model() face.Model {
	return face.Model{Name: "net", SHA256: strings.Repeat("ab", 32), Dimension: 32}
}

// look is a network that sees whose face it is in the picture's text.
type look struct{ seen *[]string }

func (l look) Look(_ context.Context, picture []byte) (face.Embedding, error) {
	*l.seen = append(*l.seen, string(picture))
	switch string(picture) {
	case "noise":
		return face.Embedding{}, fmt.Errorf("%w: noise", facematch.ErrPicture)
	case "wall":
		return face.Embedding{}, fmt.Errorf("%w: a wall", gallery.ErrNoFace)
	case "broken net":
		return face.Embedding{}, errors.New("no model is installed")
	}
	return embedding(string(picture)), nil
}

func (look) MaxDistance() float64 { return 0.55 }

func embedding(who string) face.Embedding {
	var seed uint64
	for _, c := range who {
		seed = seed*31 + uint64(c)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	raw := make([]float32, model().Dimension)
	for i := range raw {
		raw[i] = float32(random.NormFloat64())
	}
	e, err := face.NewEmbedding(model(), raw)
	if err != nil {
		panic(err)
	}
	return e
}

// home is a table with two owners, a device of each, and the answers sent.
type home struct {
	t         *testing.T
	db        *dynamodb.Client
	galleries *cloud.Galleries
	cfg       facematch.Config
	log       bytes.Buffer
	seen      []string // pictures looked at

	mu   sync.Mutex
	sent []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	h := &home{t: t, db: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
	table := dynamotest.Table().TableName
	h.galleries = cloud.New(cloud.Config{API: h.db, Table: table})
	db := store.New(store.Config{API: h.db, Table: table})
	for i, owner := range []string{"alice", "bob"} {
		require.NoError(t, db.RecordCertificate(t.Context(), certificate(i+1), "porch-"+owner))
		require.NoError(t, db.Claim(t.Context(), "porch-"+owner, owner))
		h.enroll(owner, "friend of "+owner, "friend of "+owner)
	}
	require.NoError(t, db.RecordCertificate(t.Context(), certificate(3), "unclaimed"))
	h.cfg = facematch.Config{
		Recognizer: look{&h.seen}, Galleries: h.galleries, Table: db, Respond: h.respond, DeviceRole: deviceRole,
		Log: slog.New(slog.NewJSONHandler(&h.log, nil)),
	}
	return h
}

func (h *home) enroll(owner, name, who string) {
	h.t.Helper()
	require.NoError(h.t, h.galleries.Update(h.t.Context(), owner, func(g *gallery.Gallery) (*gallery.Gallery, error) {
		return g.With(name, []face.Embedding{embedding(who)}, time.Now())
	}))
}

func (h *home) respond(_ context.Context, body string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, body)
	return nil
}

// answers returns what was sent and forgets it.
func (h *home) answers() []string {
	sent := h.sent
	h.sent = nil
	return sent
}

// handle runs a fresh handler, as after a cold start.
func (h *home) handle(ctx context.Context, records ...events.SQSMessage) []string {
	h.t.Helper()
	out, err := facematch.New(h.cfg).Handle(ctx, events.SQSEvent{Records: records})
	require.NoError(h.t, err)
	require.NotNil(h.t, out.BatchItemFailures)
	var again []string
	for _, f := range out.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}

// message is a delivery of a body that a sender sent.
func message(id, sender, body string, received int) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: body, Attributes: map[string]string{
		"SenderId": sender, "ApproximateReceiveCount": fmt.Sprint(received),
	}}
}

func ask(requestID, picture string) string {
	body, err := (&event.FaceRequest{RequestID: requestID, Filename: "a.jpg", Image: []byte(picture)}).Marshal()
	if err != nil {
		panic(err)
	}
	return string(body)
}

// device is the sender id of the device with the n-th certificate.
func device(n int) string { return deviceRole + ":" + certificate(n) }
