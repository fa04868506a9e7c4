package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestView(t *testing.T) {
	w := newWorld(t)
	s := w.view(t)
	require.Equal(t, "porch.front", s.Channel)
	require.Regexp(t, `^[A-Za-z0-9_.-]{20,256}$`, s.ClientID)
	require.Equal(t, t0.Add(299*time.Second), s.Expires)
	require.Equal(t, []ICEServer{{URLs: []string{"turn:relay:443?transport=udp", "turns:relay:443?transport=tcp"}, Username: "u", Credential: "p"}}, s.ICE)

	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	require.Equal(t, "wss://v-1.example.org/", u.Scheme+"://"+u.Host+u.Path)
	query := u.Query()
	require.Len(t, query.Get("X-Amz-Signature"), 64)
	query.Del("X-Amz-Signature")
	require.Equal(t, url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-ChannelARN": {w.arn()}, "X-Amz-ClientId": {s.ClientID},
		"X-Amz-Credential": {"ASIAKEY/20260504/eu-west-1/kinesisvideo/aws4_request"}, "X-Amz-Date": {"20260504T030201Z"},
		"X-Amz-Expires": {"299"}, "X-Amz-Security-Token": {token}, "X-Amz-SignedHeaders": {"host"},
	}, query)
	require.NotContains(t, s.URL, secret)

	require.Equal(t, []map[string]string{{"ChannelARN": w.arn(), "ClientId": s.ClientID, "Service": "TURN"}}, w.asked)
	header := w.requests[0].Header
	require.Contains(t, header.Get("Authorization"), "Credential=ASIAKEY/20260504/eu-west-1/kinesisvideo/aws4_request")
	require.Contains(t, header.Get("Authorization"), "x-amz-security-token")
	require.Equal(t, token, header.Get("X-Amz-Security-Token"))
}

// Each viewer has a name and relays of its own; where the channel is, is asked
// once in a while.
func TestEveryViewerIsAnother(t *testing.T) {
	w := newWorld(t)
	ids := map[string]bool{}
	for range 5 {
		ids[w.view(t).ClientID] = true
	}
	require.Len(t, ids, 5)
	require.Len(t, w.asked, 5)
	require.Equal(t, 1, w.found)
	w.now = t0.Add(placeLife)
	w.view(t)
	require.Equal(t, 2, w.found)
}

func TestPlacesAreBounded(t *testing.T) {
	w := newWorld(t)
	for i := range mostPlaces + 10 {
		w.places.known[fmt.Sprint(i)] = place{until: t0.Add(time.Hour)}
	}
	w.view(t)
	require.Len(t, w.places.known, mostPlaces)
	require.Contains(t, w.places.known, "porch.front")
}

// A channel that was made anew has another ARN.
func TestChannelMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.view(t)
	w.created++
	u, err := url.Parse(w.view(t).URL)
	require.NoError(t, err)
	require.Equal(t, w.arn(), u.Query().Get("X-Amz-ChannelARN"))
	require.Equal(t, 2, w.found)
}

func TestURLEndsWithItsCredentials(t *testing.T) {
	w := newWorld(t)
	w.creds.CanExpire, w.creds.Expires = true, t0.Add(90*time.Second+time.Millisecond)
	s := w.view(t)
	require.Equal(t, t0.Add(90*time.Second), s.Expires)
	require.Contains(t, s.URL, "X-Amz-Expires=90&")
	w.creds.Expires = t0.Add(time.Hour)
	require.Equal(t, t0.Add(299*time.Second), w.view(t).Expires)
	w.creds.Expires = t0
	_, err := w.View(t.Context(), "porch.front")
	require.ErrorContains(t, err, "expired")
}

func TestAsksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		asked  int
		want   error
	}{
		"throttled":     {http.StatusBadRequest, throttling, attempts, ErrBusy},
		"out of order":  {http.StatusServiceUnavailable, "ServiceUnavailable", attempts, ErrBusy},
		"no channel":    {http.StatusNotFound, "ResourceNotFoundException", 1, ErrNoChannel},
		"not permitted": {http.StatusForbidden, "AccessDeniedException", 1, nil},
		"no code":       {http.StatusBadRequest, "", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.failing(c.asked, c.status, c.code, "said the service\n\nThe Canonical String was\n'POST x-amz-security-token:"+token+"'")
			_, err := w.View(t.Context(), "porch.front")
			require.Error(t, err)
			require.Equal(t, c.asked, w.times())
			for _, known := range []error{ErrBusy, ErrNoChannel} {
				require.Equal(t, errors.Is(c.want, known), errors.Is(err, known), err)
			}
			require.Contains(t, err.Error(), "said the service")
			require.NotContains(t, err.Error(), token)
			if errors.Is(c.want, ErrBusy) {
				w.failing(attempts-1, c.status, c.code, "")
				w.view(t)
			}
		})
	}
}

func TestControlPlaneErrors(t *testing.T) {
	for name, c := range map[string]struct{ trouble, want error }{
		"no channel": {&types.ResourceNotFoundException{}, ErrNoChannel},
		"throttled":  {&types.ClientLimitExceededException{}, ErrBusy},
		"no network": {errors.New("dial tcp: no route to host"), ErrBusy},
		"in time":    {context.DeadlineExceeded, ErrBusy},
		"gone away":  {context.Canceled, context.Canceled},
		"forbidden":  {&smithy.GenericAPIError{Code: "AccessDeniedException"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.trouble = c.trouble
			_, err := w.View(t.Context(), "porch.front")
			require.ErrorIs(t, err, c.trouble)
			for _, known := range []error{ErrBusy, ErrNoChannel} {
				require.Equal(t, errors.Is(c.want, known), errors.Is(err, known), err)
			}
			require.Empty(t, w.asked)
		})
	}
}

func TestChannelThatIsNotActive(t *testing.T) {
	for _, status := range []types.Status{types.StatusCreating, types.StatusDeleting} {
		w := newWorld(t)
		w.status = status
		_, err := w.View(t.Context(), "porch.front")
		require.ErrorIs(t, err, ErrNoChannel)
		w.status = types.StatusUpdating
		w.view(t)
	}
}

// What the service says is not taken for granted.
func TestBadAnswers(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"no endpoint":   func(w *world) { w.wss = "" },
		"no WebSocket":  func(w *world) { w.wss = "https://v-1.example.org" },
		"no URL":        func(w *world) { w.wss = "wss://%" },
		"no host":       func(w *world) { w.wss = "wss:/path" },
		"no JSON":       func(w *world) { w.fail = says("<html>") },
		"another JSON":  func(w *world) { w.fail = says(`{"IceServerList":{}}`) },
		"far too much":  func(w *world) { w.fail = says(`{"x":"` + long(mostAnswer) + `"}`) },
		"no HTTP scope": func(w *world) { w.server.URL = "relays" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			good := w.server.URL
			spoil(w)
			_, err := w.View(t.Context(), "porch.front")
			require.ErrorIs(t, err, errAnswer)
			require.False(t, errors.Is(err, ErrBusy) || errors.Is(err, ErrNoChannel), err)
			w.server.URL = good
			require.NotContains(t, w.places.known, "porch.front", "the next one asks anew")
		})
	}
}

func says(text string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		_, _ = io.WriteString(w, text)
		return true
	}
}

func TestNobodyAnswers(t *testing.T) {
	w := newWorld(t)
	w.view(t)
	w.fails(func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) })
	_, err := w.View(t.Context(), "porch.front")
	require.ErrorIs(t, err, ErrBusy)
	require.Equal(t, 1+2*attempts, w.times(), "where it was, and where it is said to be now")
	w.fails(nil)
	w.view(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.View(ctx, "porch.front")
	require.ErrorIs(t, err, context.Canceled)
}

func TestRelaysThatABrowserWouldNotTake(t *testing.T) {
	got, err := parseICE([]byte(`{"IceServerList":[{"Uris":["turn:a","http://b","turn:","stun:c",""],"Username":"u","Password":"p"},{"Uris":["x:y"]},{"Uris":null},{}],"More":1}`))
	require.NoError(t, err)
	require.Equal(t, []ICEServer{{URLs: []string{"turn:a", "stun:c"}, Username: "u", Credential: "p"}}, got)
}

func TestStunServersOfAWS(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://r-1234.kinesisvideo.eu-west-1.amazonaws.com":        "stun:stun.kinesisvideo.eu-west-1.amazonaws.com:443",
		"https://r-1234.kinesisvideo.cn-north-1.amazonaws.com.cn":    "stun:stun.kinesisvideo.eu-west-1.amazonaws.com.cn:443",
		"http://127.0.0.1:4566":                                      "",
		"https://r-1234.kinesisvideo.eu-west-1.amazonaws.com.evil.x": "",
		"%": "",
	} {
		got := stunServers(endpoint, "eu-west-1")
		if want == "" {
			require.Empty(t, got)
			continue
		}
		require.Equal(t, []ICEServer{{URLs: []string{want}}}, got)
	}
}

func TestConnect(t *testing.T) {
	cfg := Connect(aws.Config{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}})
	require.NotNil(t, cfg.Channels)
	require.NotNil(t, cfg.HTTP)
	require.NotNil(t, New(cfg).cfg.Now)
}

func FuzzParseICE(f *testing.F) {
	f.Add([]byte(relays))
	f.Fuzz(func(t *testing.T, raw []byte) {
		servers, err := parseICE(raw)
		if err != nil {
			require.ErrorIs(t, err, errAnswer)
		}
		require.LessOrEqual(t, len(servers), mostICE)
		for _, s := range servers {
			require.NotEmpty(t, s.URLs)
			require.LessOrEqual(t, len(s.URLs), mostICE)
			for _, u := range s.URLs {
				require.True(t, strings.HasPrefix(u, "turn") || strings.HasPrefix(u, "stun"), u)
			}
		}
	})
}
