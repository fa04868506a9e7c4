package ingest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/ingest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const arn = "arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/1"

type world struct {
	store  *fragments.Store
	ingest *ingest.Server
	faults *ingest.Faults
	server *httptest.Server
}

func start(t *testing.T, limits ingest.Limits) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := fragments.Open(fragments.Config{Dir: t.TempDir(), Logger: log})
	require.NoError(t, err)
	_, err = store.Create(fragments.Stream{Name: "porch", ARN: arn, RetentionHours: 1})
	require.NoError(t, err)
	w := &world{store: store, faults: &ingest.Faults{}}
	w.ingest = ingest.New(ingest.Config{Store: store, Limits: limits, Faults: w.faults, Logger: log})
	w.server = httptest.NewServer(w.ingest)
	t.Cleanup(func() {
		w.ingest.Stop()
		w.server.Close()
		require.NoError(t, store.Close())
	})
	return w
}

type upload struct {
	t    *testing.T
	res  *http.Response
	body *io.PipeWriter
	acks *bufio.Scanner
}

func (w *world) open(t *testing.T, header ...string) *upload {
	t.Helper()
	r, pipe := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL, r)
	require.NoError(t, err)
	req.Header.Set("x-amzn-stream-name", "porch")
	req.Header.Set("x-amzn-fragment-timecode-type", "ABSOLUTE")
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() {
		pipe.CloseWithError(errors.New("the test is over"))
		res.Body.Close()
	})
	return &upload{t, res, pipe, bufio.NewScanner(res.Body)}
}

// send writes in the background of nothing: a server that has stopped reading fails it.
func (u *upload) send(parts ...[]byte) {
	for _, p := range parts {
		if _, err := u.body.Write(p); err != nil {
			return
		}
	}
}

func (u *upload) next() (ack ingest.Ack, ok bool) {
	u.t.Helper()
	if !u.acks.Scan() {
		return ack, false
	}
	require.NoError(u.t, json.Unmarshal(u.acks.Bytes(), &ack), u.acks.Text())
	return ack, true
}

func (u *upload) rest() (acks []ingest.Ack) {
	u.t.Helper()
	for ack, ok := u.next(); ok; ack, ok = u.next() {
		acks = append(acks, ack)
	}
	return acks
}

// all sends parts, ends the body and returns every acknowledgment.
func (u *upload) all(parts ...[]byte) []ingest.Ack {
	u.t.Helper()
	go func() {
		u.send(parts...)
		u.body.Close()
	}()
	return u.rest()
}

func types(acks []ingest.Ack) string {
	var names []string
	for _, a := range acks {
		names = append(names, a.EventType)
	}
	return strings.Join(names, " ")
}

const whole = "BUFFERING RECEIVED PERSISTED"

// piece marshals elements with a library that is not ours.
func piece(v any) []byte {
	var b bytes.Buffer
	if err := ebml.Marshal(v, &b); err != nil {
		panic(err) // only a mistake in a test can
	}
	return b.Bytes()
}

var video = webm.TrackEntry{TrackNumber: 1, TrackUID: 1, TrackType: 1, CodecID: "V_MPEG4/ISO/AVC", CodecPrivate: []byte{1},
	Video: &webm.Video{PixelWidth: 320, PixelHeight: 180}}

var audio = webm.TrackEntry{TrackNumber: 2, TrackUID: 2, TrackType: 2, CodecID: "A_AAC", CodecPrivate: []byte{1},
	Audio: &webm.Audio{SamplingFrequency: 16000, Channels: 1}}

// header begins a segment of unknown size.
func header(tracks ...webm.TrackEntry) []byte {
	type segment struct {
		Info   webm.Info   `ebml:"Info"`
		Tracks webm.Tracks `ebml:"Tracks"`
	}
	return piece(&struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment segment         `ebml:"Segment,size=unknown"`
	}{webm.EBMLHeader{EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8, DocType: "matroska", DocTypeVersion: 2, DocTypeReadVersion: 2},
		segment{webm.Info{TimecodeScale: 1000000, MuxingApp: "test", WritingApp: "test"}, webm.Tracks{TrackEntry: tracks}}})
}

type frame struct {
	track uint64
	at    int16
	key   bool
	size  int
}

func cluster(timecode uint64, frames ...frame) []byte {
	type body struct {
		Timecode uint64       `ebml:"Timecode"`
		Block    []ebml.Block `ebml:"SimpleBlock"`
	}
	var b body
	b.Timecode = timecode
	for _, f := range frames {
		b.Block = append(b.Block, ebml.Block{TrackNumber: f.track, Timecode: f.at, Keyframe: f.key, Data: [][]byte{make([]byte, f.size)}})
	}
	return piece(&struct {
		Cluster body `ebml:"Cluster,size=unknown"`
	}{b})
}

type simpleTag struct {
	TagName   string `ebml:"TagName"`
	TagString string `ebml:"TagString"`
}

func tags(pairs ...string) []byte {
	type tag struct {
		SimpleTag []simpleTag `ebml:"SimpleTag"`
	}
	type all struct {
		Tag tag `ebml:"Tag"`
	}
	var a all
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Tag.SimpleTag = append(a.Tag.SimpleTag, simpleTag{pairs[i], pairs[i+1]})
	}
	return piece(&struct {
		Tags all `ebml:"Tags"`
	}{a})
}

// gop is a second of video.
func gop(at uint64) []byte {
	return cluster(at, frame{1, 0, true, 100}, frame{1, 500, false, 50})
}

func now() uint64 { return uint64(time.Now().Add(-time.Hour).UnixMilli()) }
