package kvs_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/frontdoor"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/ingest"
	"porchlight/internal/localcloud/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	region  = "us-east-1"
	account = "000000000000"
	patient = 30 * time.Second
	// emptyHash is what the body of PutMedia is signed as.
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// devicePolicy is what the role of devices may do: send to the stream that has their name.
const devicePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesisvideo:PutMedia",
	"Resource":"arn:aws:kinesisvideo:us-east-1:000000000000:stream/${credentials-iot:ThingName}/*"}]}`

// roles authorizes by devicePolicy.
type roles struct{ policy iam.Document }

func (r roles) Authorize(p sts.Principal, action, resource string) error {
	d := iam.Evaluate([]iam.Document{r.policy}, iam.Request{Action: action, Resource: resource, Variables: p.Vars})
	if !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

// sinks records what is stored and sent.
type sinks struct {
	mu      sync.Mutex
	objects map[string]object
	notices []string
}

type object struct {
	contentType string
	metadata    map[string]string
	body        []byte
}

func (s *sinks) Put(_ context.Context, bucket, key, contentType string, metadata map[string]string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[bucket+"/"+key] = object{contentType, metadata, body}
	return nil
}

func (s *sinks) Notify(_ context.Context, topicARN, subject, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, topicARN+"|"+subject+"|"+message)
	return nil
}

type world struct {
	service *kvs.Service
	keys    *sts.Service
	server  *httptest.Server
	sinks   *sinks
	logs    *safeBuffer
	stop    func()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs the service behind a front door.
func start(t *testing.T, dir string, change func(*kvs.Config)) *world {
	t.Helper()
	w := &world{sinks: &sinks{objects: map[string]object{}}, logs: &safeBuffer{}}
	log := slog.New(slog.NewTextHandler(w.logs, nil))
	w.server = httptest.NewUnstartedServer(nil)
	cfg := kvs.Config{Dir: filepath.Join(dir, "video"), Region: region, AccountID: account, Endpoint: "http://" + w.server.Listener.Addr().String(),
		Objects: w.sinks, Topics: w.sinks, MediaIdle: 100 * time.Millisecond, Logger: log}
	if change != nil {
		change(&cfg)
	}
	var err error
	w.keys, err = sts.Open(sts.Config{Dir: filepath.Join(dir, "sts"), AccountID: account})
	require.NoError(t, err)
	w.service, err = kvs.Open(cfg)
	require.NoError(t, err)
	var policy iam.Document
	require.NoError(t, json.Unmarshal([]byte(devicePolicy), &policy))
	w.server.Config.Handler, err = frontdoor.New(frontdoor.Config{Region: region, AccountID: account, Keys: w.keys, Logger: log, Authorizer: roles{policy},
		Handlers: map[string]http.Handler{"kinesisvideo": w.service}, StreamARN: w.service.StreamARN,
		Sessions: map[string]http.Handler{"/hls/v1/": w.service.Sessions(), "/dash/v1/": w.service.Sessions()}})
	require.NoError(t, err)
	w.server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.service.Run(ctx) })
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			running.Wait()
			w.server.Close()
			require.NoError(t, w.service.Close())
		})
	}
	t.Cleanup(w.stop)
	return w
}

func (w *world) config(c sts.Credentials) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(w.server.URL), HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} }}
}

func (w *world) control() *kinesisvideo.Client {
	return kinesisvideo.NewFromConfig(w.config(w.keys.Admin()))
}

func (w *world) archive() *kinesisvideoarchivedmedia.Client {
	return kinesisvideoarchivedmedia.NewFromConfig(w.config(w.keys.Admin()))
}

// create makes a stream and returns its ARN.
func (w *world) create(t *testing.T, name string, hours int32) string {
	t.Helper()
	out, err := w.control().CreateStream(t.Context(), &kinesisvideo.CreateStreamInput{StreamName: &name, DataRetentionInHours: &hours})
	require.NoError(t, err)
	return *out.StreamARN
}

// post signs and sends a request to an operation that no SDK module has.
func (w *world) post(t *testing.T, creds sts.Credentials, path string, header map[string]string, body io.Reader, hash string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+path, body)
	require.NoError(t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	err = v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey,
		SessionToken: creds.SessionToken}, req, hash, "kinesisvideo", region, time.Now())
	require.NoError(t, err)
	// A connection of its own: one whose upload ends after its answer is no good
	// to whoever would get it next.
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	return res
}

// upload is an open PutMedia.
type upload struct {
	t    *testing.T
	res  *http.Response
	body *io.PipeWriter
	acks *bufio.Scanner
}

type opening struct {
	stream   string
	absolute bool
	start    time.Time // of RELATIVE timecodes
	creds    *sts.Credentials
}

// open begins a PutMedia.
func (w *world) open(t *testing.T, o opening) *upload {
	t.Helper()
	header := map[string]string{"x-amzn-stream-name": o.stream, "x-amzn-fragment-timecode-type": "RELATIVE",
		"x-amzn-producer-start-timestamp": seconds(o.start)}
	if o.absolute {
		header["x-amzn-fragment-timecode-type"] = "ABSOLUTE"
	}
	creds := w.keys.Admin()
	if o.creds != nil {
		creds = *o.creds
	}
	r, pipe := io.Pipe()
	res := w.post(t, creds, "/putMedia", header, r, emptyHash)
	u := &upload{t: t, res: res, body: pipe, acks: bufio.NewScanner(res.Body)}
	t.Cleanup(func() {
		pipe.CloseWithError(errors.New("the test is over"))
		res.Body.Close()
	})
	return u
}

func (u *upload) send(b []byte) {
	u.t.Helper()
	_, err := u.body.Write(b)
	require.NoError(u.t, err)
}

// next returns the next acknowledgment, none at the end of the answer.
func (u *upload) next() (ack ingest.Ack, ok bool) {
	u.t.Helper()
	if !u.acks.Scan() {
		return ack, false
	}
	require.NoError(u.t, json.Unmarshal(u.acks.Bytes(), &ack), u.acks.Text())
	return ack, true
}

// until reads to the first acknowledgment of a type and returns it.
func (u *upload) until(event string) ingest.Ack {
	u.t.Helper()
	for {
		ack, ok := u.next()
		require.True(u.t, ok, "the answer ended before %s", event)
		if ack.EventType == event {
			return ack
		}
	}
}

// finish ends the body and returns the acknowledgments that are left.
func (u *upload) finish() []ingest.Ack {
	u.t.Helper()
	u.body.Close()
	return u.rest()
}

func (u *upload) rest() (acks []ingest.Ack) {
	u.t.Helper()
	for {
		ack, ok := u.next()
		if !ok {
			return acks
		}
		acks = append(acks, ack)
	}
}

// record uploads a whole recording and expects it to be stored.
func (w *world) record(t *testing.T, o opening, mkv []byte) []ingest.Ack {
	t.Helper()
	u := w.open(t, o)
	require.Equal(t, http.StatusOK, u.res.StatusCode)
	go func() {
		_, _ = u.body.Write(mkv)
		u.body.Close()
	}()
	acks := u.rest()
	for _, a := range acks {
		require.NotEqual(t, ingest.Failed, a.EventType, "%+v", a)
	}
	return acks
}

func seconds(at time.Time) string { return formatSeconds(at.UnixMilli()) }

func formatSeconds(ms int64) string {
	raw, _ := json.Marshal(float64(ms) / 1000)
	return string(raw)
}

// ffmpeg runs ffmpeg and returns what it writes to its output.
func ffmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: apt install ffmpeg")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-hide_banner", "-nostdin", "-v", "error"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), errs.String())
	return out.Bytes()
}

// film makes a Matroska stream of some seconds whose clusters begin with key frames two seconds apart.
func film(t *testing.T, seconds string, more ...string) []byte {
	args := []string{"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000", "-t", seconds,
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-keyint_min", "20", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k"}
	args = append(args, more...)
	return ffmpeg(t, append(args, "-cluster_time_limit", "30000", "-cluster_size_limit", "50000000", "-f", "matroska", "pipe:1")...)
}

// split takes a Matroska stream apart: what stands before the first cluster, and each cluster.
func split(t *testing.T, film []byte) (header []byte, clusters [][]byte) {
	t.Helper()
	id := []byte{0x1F, 0x43, 0xB6, 0x75}
	parts := bytes.Split(film, id)
	require.Greater(t, len(parts), 1)
	for _, p := range parts[1:] {
		if i := bytes.LastIndex(p, []byte{0x1C, 0x53, 0xBB, 0x6B}); i >= 0 { // the cues after the last
			p = p[:i]
		}
		clusters = append(clusters, append(bytes.Clone(id), p...))
	}
	return parts[0], clusters
}

func events(acks []ingest.Ack) (names []string) {
	for _, a := range acks {
		names = append(names, a.EventType)
	}
	return names
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func decode64(text string) io.Reader {
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(text))
}

// tagsElement makes a Tags element with a library that is not ours.
func tagsElement(pairs ...string) []byte {
	type simple struct {
		TagName   string `ebml:"TagName"`
		TagString string `ebml:"TagString"`
	}
	type tag struct {
		SimpleTag []simple `ebml:"SimpleTag"`
	}
	type all struct {
		Tag tag `ebml:"Tag"`
	}
	var a all
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Tag.SimpleTag = append(a.Tag.SimpleTag, simple{pairs[i], pairs[i+1]})
	}
	var b bytes.Buffer
	if err := ebml.Marshal(&struct {
		Tags all `ebml:"Tags"`
	}{a}, &b); err != nil {
		panic(err) // only a mistake in a test can
	}
	return b.Bytes()
}
