package producer

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/logtest"
	"porchlight/internal/media"
)

// consequence is all that is seen of a reaction.
type consequence struct {
	again       bool // a new connection, with what was not persisted
	skipped     bool // the fragment is given up
	silent      bool // sound is left out from then on
	endpoint    bool // is asked for again
	credentials bool // are asked for again
	help        bool // a person's is needed, and waited for
}

var (
	none        consequence
	again       = consequence{again: true}
	skipped     = consequence{again: true, skipped: true}
	silent      = consequence{again: true, silent: true}
	waits       = consequence{again: true, help: true}
	elsewhere   = consequence{again: true, endpoint: true}
	authorizes  = consequence{again: true, endpoint: true, credentials: true}
	waitsBefore = consequence{again: true, endpoint: true, help: true}
)

// TestReactions has one thing go wrong, with the third of six fragments or
// before the first: every error acknowledgement
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html),
// every HTTP answer, and what networks do. Whatever it is, all other fragments
// are stored, in order, and those persisted are not sent again.
func TestReactions(t *testing.T) {
	for name, row := range map[string]struct {
		fault func(f *faulty)
		want  consequence
	}{
		"4000 STREAM_READ_ERROR":                      {refuses(4000), again},
		"4001 MAX_FRAGMENT_SIZE_REACHED":              {refuses(4001), skipped},
		"4002 MAX_FRAGMENT_DURATION_REACHED":          {refuses(4002), skipped},
		"4003 MAX_CONNECTION_DURATION_REACHED":        {refuses(4003), again},
		"4004 FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS": {refuses(4004), skipped},
		"4005 MORE_THAN_ALLOWED_TRACKS_FOUND":         {refuses(4005), silent},
		"4005 of video alone":                         {refusesVideo(4005), skipped},
		"4006 INVALID_MKV_DATA":                       {refuses(4006), skipped},
		"4007 INVALID_PRODUCER_TIMESTAMP":             {refuses(4007), skipped},
		"4008 STREAM_NOT_ACTIVE":                      {refuses(4008), waits},
		"4009 FRAGMENT_METADATA_LIMIT_REACHED":        {refuses(4009), skipped},
		"4010 TRACK_NUMBER_MISMATCH":                  {refuses(4010), silent},
		"4010 of video alone":                         {refusesVideo(4010), skipped},
		"4011 FRAMES_MISSING_FOR_TRACK":               {refuses(4011), silent},
		"4011 of video alone":                         {refusesVideo(4011), skipped},
		"4012 more tracks":                            {refuses(4012), silent},
		"4500 KMS_KEY_ACCESS_DENIED":                  {refuses(4500), waits},
		"4501 KMS_KEY_DISABLED":                       {refuses(4501), waits},
		"4502 KMS_KEY_VALIDATION_ERROR":               {refuses(4502), waits},
		"4503 KMS_KEY_UNAVAILABLE":                    {refuses(4503), waits},
		"4504 KMS_KEY_INVALID_USAGE":                  {refuses(4504), waits},
		"4505 KMS_KEY_INVALID_STATE":                  {refuses(4505), waits},
		"4506 KMS_KEY_NOT_FOUND":                      {refuses(4506), waits},
		"5000 INTERNAL_ERROR":                         {refuses(5000), again},
		"5001 ARCHIVAL_ERROR":                         {refuses(5001), again},
		"an error without a number":                   {refuses(0), again},
		"an error of tomorrow":                        {refuses(9999), again},
		"an error of no fragment":                     {refusesAll(4003), again},

		"301":                                  {answers(301, ""), elsewhere},
		"400":                                  {answers(400, ""), waitsBefore},
		"400 InvalidArgumentException":         {answers(400, "InvalidArgumentException"), waitsBefore},
		"400 InvalidEndpointException":         {answers(400, "InvalidEndpointException"), elsewhere},
		"400 ConnectionLimitExceededException": {answers(400, "ConnectionLimitExceededException"), elsewhere},
		"400 ClientLimitExceededException":     {answers(400, "ClientLimitExceededException"), elsewhere},
		"400 ThrottlingException":              {answers(400, "ThrottlingException"), elsewhere},
		"400 ExpiredTokenException":            {answers(400, "ExpiredTokenException"), authorizes},
		"400 UnrecognizedClientException":      {answers(400, "UnrecognizedClientException"), authorizes},
		"400 AccessDeniedException":            {answers(400, "AccessDeniedException"), authorizes},
		"401 NotAuthorizedException":           {answers(401, "NotAuthorizedException"), authorizes},
		"403":                                  {answers(403, ""), authorizes},
		"403 AccessDeniedException":            {answers(403, "AccessDeniedException"), authorizes},
		"403 InvalidSignatureException":        {answers(403, "InvalidSignatureException"), authorizes},
		"403 again and again":                  {answers(403, "", 403), consequence{again: true, endpoint: true, credentials: true, help: true}},
		"404":                                  {answers(404, ""), elsewhere},
		"404 ResourceNotFoundException":        {answers(404, "ResourceNotFoundException"), elsewhere},
		"406":                                  {answers(406, ""), waitsBefore},
		"408":                                  {answers(408, ""), elsewhere},
		"413":                                  {answers(413, ""), waitsBefore},
		"429":                                  {answers(429, "", 429, 429), elsewhere},
		"500 InternalFailure":                  {answers(500, "InternalFailure"), elsewhere},
		"502":                                  {answers(502, ""), elsewhere},
		"503 ServiceUnavailable":               {answers(503, "ServiceUnavailable", 503, 503, 503), elsewhere},
		"504":                                  {answers(504, ""), elsewhere},
		"598":                                  {answers(598, ""), elsewhere},
		"599":                                  {answers(599, ""), elsewhere},

		"hangs before the answer":        {hangs("answer"), elsewhere},
		"hangs in mid-fragment":          {hangs("block"), again},
		"hangs before BUFFERING":         {hangs("begin"), again},
		"hangs before PERSISTED":         {hangs("persist"), again},
		"closes before the answer":       {closes("answer"), elsewhere},
		"closes in mid-fragment":         {closes("block"), again},
		"closes between fragments":       {closes("begin"), again},
		"closes before acknowledging":    {closes("end"), again},
		"closes after RECEIVED":          {closes("persist"), again},
		"ends in good order":             {ends, again},
		"acknowledges late":              {late(1, 2, 3), none},
		"acknowledges out of order":      {late(3, 1, 2), none},
		"out of order, one never":        {late(3, 2), again},
		"acknowledges in parts":          {says("\r\n { \"EventType\" :\"PERSISTED\",\n\"FragmentTimecode\":", "%d", "}"), none},
		"acknowledges as documented":     {says(`{"Acknowledgement":{"EventType":"PERSISTED","FragmentTimecode":"%d","FragmentNumber":"7"}}`), none},
		"acknowledges more than once":    {says(`{"EventType":"PERSISTED","FragmentTimecode":%[1]d}{"EventType":"PERSISTED","FragmentTimecode":%[1]d}{"EventType":"RECEIVED","FragmentTimecode":%[1]d}`), none},
		"acknowledges what was not sent": {says(`{"EventType":"PERSISTED","FragmentTimecode":1}{"EventType":"PERSISTED","FragmentTimecode":%d}`), none},
		"says IDLE, and what is unknown": {says(`{"EventType":"IDLE"}{"EventType":"NEW","FragmentTimecode":1}{"EventType":"PERSISTED","FragmentTimecode":%d}`), none},
		"says what is no JSON":           {says(`]]}null{"EventType":1}{"EventType":"PERSISTED","FragmentTimecode":%d}`), none},
		"says too much":                  {says(`{"EventType":"PERSISTED","X":"`+strings.Repeat("x", maxAck), hangUp), again},
	} {
		t.Run(name, func(t *testing.T) { newFaulty(t).check(row.fault, row.want) })
	}
}

// faulty is a service with a fault.
type faulty struct {
	*rig
	log     logtest.Memory
	creds   expiring
	renewed chan struct{}
	over    chan struct{}
}

func newFaulty(t *testing.T) *faulty {
	f := &faulty{renewed: make(chan struct{}, 1), over: make(chan struct{})}
	f.creds.life = time.Hour
	f.rig = newRig(t, func(c *Config) { c.Log, c.Credentials = f.log.Logger(), &f.creds })
	for i := range 5 {
		f.service.secrets[fmt.Sprintf("AKID%d", i+1)] = "secret"
	}
	f.cfg.Endpoints = fixed{url: f.service.web.URL, renewed: f.renewed}
	sound, err := media.NewAACStream([]byte{0x14, 0x08})
	require.NoError(t, err)
	f.camera.sound = sound
	t.Cleanup(func() { close(f.over) })
	return f
}

func (f *faulty) check(fault func(f *faulty), want consequence) {
	fault(f)
	f.timing = f.cfg.Timing.withDefaults()
	if f.service.stalls { // which has to be noticed
		f.timing.Stall, f.timing.Persist = time.Second, 2*time.Second
		f.patience = f.timing.Stall
	}
	f.camera.frame(false) // heard before the first keyframe
	f.start()
	require.NoError(f.t, f.Begin(f.camera.always()))
	keys := f.camera.gops(6)
	if want.skipped {
		keys = append(keys[:2:2], keys[3:]...)
	}
	f.until("all", func(s Stats) bool { return s.Persisted >= int64(len(keys)) })
	s := f.Stats()
	stored, last := map[int64]bool{}, f.service.list()
	for _, one := range last {
		stored[one.timecode] = true
	}
	for _, key := range keys {
		require.True(f.t, stored[key], "fragment %d is missing", key)
	}
	f.service.clean()
	connections, _ := f.service.count()
	got := consequence{
		again: connections > 1, skipped: s.Dropped > 0, silent: last[len(last)-1].tracks[2] == 0 && f.camera.sound != nil,
		endpoint: len(f.renewed) > 0, credentials: f.creds.given > 1, help: strings.Contains(f.log.String(), "has to wait for help"),
	}
	if f.service.stalls { // a busy machine may stall once more
		got.endpoint = got.endpoint && want.endpoint
	}
	require.Equal(f.t, want, got)
	require.Zero(f.t, s.Lost)
}

// third runs something once, for the third fragment.
func (f *faulty) third(act func(m *moment) error) func(m *moment) error {
	var once sync.Once
	return func(m *moment) (err error) {
		if m.fragment == 3 {
			once.Do(func() {
				m.settle()
				err = act(m)
			})
		}
		return err
	}
}

func refuses(id int) func(*faulty) {
	return func(f *faulty) {
		refuse := f.third(func(m *moment) error {
			m.ack("ERROR", m.timecode, fmt.Sprintf(more, id, "CODE"))
			return errEnd
		})
		f.service.onEnd = func(m *moment) (bool, error) { return false, refuse(m) }
	}
}

func refusesVideo(id int) func(*faulty) {
	return func(f *faulty) {
		f.camera.sound = nil
		refuses(id)(f)
	}
}

func refusesAll(id int) func(*faulty) {
	return func(f *faulty) {
		f.service.onBegin = f.third(func(m *moment) error {
			fmt.Fprintf(m.w, `{"EventType":"ERROR","ErrorId":%d}`, id)
			return errEnd
		})
	}
}

// answers refuses the first connections, one for each status.
func answers(status int, kind string, more ...int) func(*faulty) {
	all := append([]int{status}, more...)
	return func(f *faulty) {
		f.service.onRequest = func(m *moment) bool {
			return m.connection <= len(all) && m.reject(all[m.connection-1], kind)
		}
	}
}

// at has something happen before the first answer, or at some point of the
// third fragment.
func (f *faulty) at(point string, act func(m *moment) error) {
	act = f.third(act)
	switch point {
	case "begin":
		f.service.onBegin = act
	case "block":
		f.service.onBlock = func(m *moment, n int) error {
			if n < 8 {
				return nil
			}
			return act(m)
		}
	case "end", "persist":
		f.service.onEnd = func(m *moment) (bool, error) {
			if point == "persist" && m.fragment == 3 {
				m.ack("RECEIVED", m.timecode, "")
			}
			err := act(m)
			return err != nil, err
		}
	}
}

func hangs(point string) func(*faulty) {
	return func(f *faulty) {
		f.service.stalls = true
		hang := func(*moment) error {
			<-f.over
			return errCut
		}
		f.at(point, hang)
		if point == "answer" {
			f.service.onRequest = func(m *moment) bool { return m.connection == 1 && hang(m) != nil }
		}
	}
}

func closes(point string) func(*faulty) {
	return func(f *faulty) {
		f.at(point, func(*moment) error { return errCut })
		if point == "answer" {
			f.service.onRequest = func(m *moment) bool {
				if m.connection == 1 {
					cut(m.r)
				}
				return false
			}
		}
	}
}

func ends(f *faulty) {
	f.at("begin", func(*moment) error { return errEnd })
}

// late acknowledges the first three fragments when the third has come, in some
// order; when one is left out it ends the connection.
func late(order ...int) func(*faulty) {
	return func(f *faulty) {
		var first [4]*received
		f.service.onEnd = func(m *moment) (bool, error) {
			if m.fragment > 3 {
				return false, nil
			}
			first[m.fragment] = m.received
			if m.fragment < 3 {
				return true, nil
			}
			for _, n := range order {
				m.persist(first[n])
			}
			if len(order) < 3 {
				m.settle()
				return true, errEnd
			}
			return true, nil
		}
	}
}

const hangUp = "hang up"

// says acknowledges the third fragment in words of its own, piece by piece.
func says(pieces ...string) func(*faulty) {
	return func(f *faulty) {
		say := f.third(func(m *moment) error {
			f.service.mu.Lock()
			f.service.persisted = append(f.service.persisted, m.received)
			f.service.mu.Unlock()
			for _, piece := range pieces {
				if piece == hangUp {
					return errEnd
				}
				if strings.Contains(piece, "%") {
					piece = fmt.Sprintf(piece, m.timecode)
				}
				_, _ = m.w.Write([]byte(piece))
				_ = http.NewResponseController(m.w).Flush()
			}
			return nil
		})
		f.service.onEnd = func(m *moment) (bool, error) {
			handled := m.fragment == 3
			return handled, say(m)
		}
	}
}
