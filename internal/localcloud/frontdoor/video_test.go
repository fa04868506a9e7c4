package frontdoor

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVideoNeeds(t *testing.T) {
	s := scope{partition: "aws", region: "us-east-1", account: "000000000000",
		streamARN:  func(id string) string { return "arn:stream:" + id },
		channelARN: func(id string) string { return "arn:channel:" + id }}
	for body, want := range map[string][]need{
		`{"StreamName":"porch"}`: {{"kinesisvideo:GetClip", "arn:stream:porch"}},
		`{"STREAMARN":"porch"}`:  {{"kinesisvideo:GetClip", "arn:stream:porch"}},
		`{}`:                     {{"kinesisvideo:GetClip", "*"}},
	} {
		got, err := videoNeeds(s, httptest.NewRequest(http.MethodPost, "/getClip", nil), []byte(body))
		require.NoError(t, err)
		require.Equal(t, want, got, body)
	}
	got, err := videoNeeds(s, httptest.NewRequest(http.MethodPost, "/getClip", nil), []byte(`{"StreamName":"mine","streamArn":"theirs"}`))
	require.NoError(t, err)
	require.Len(t, got, 2, "every stream that is named must be allowed")
	_, err = videoNeeds(s, httptest.NewRequest(http.MethodPost, "/createUniverse", nil), nil)
	require.ErrorContains(t, err, "UnknownOperationException")
	for path, want := range map[string][]need{
		"/signaling/master?X-Amz-ChannelARN=porch":                        {{"kinesisvideo:ConnectAsMaster", "arn:channel:porch"}},
		"/signaling/viewer?X-Amz-ChannelARN=porch&X-Amz-ClientId=a":       {{"kinesisvideo:ConnectAsViewer", "arn:channel:porch"}},
		"/signaling/viewer?X-Amz-ChannelARN=porch":                        {{"kinesisvideo:ConnectAsViewer", "arn:channel:porch"}},
		"/?X-Amz-ChannelARN=porch&X-Amz-ClientId=a":                       {{"kinesisvideo:ConnectAsViewer", "arn:channel:porch"}},
		"/?X-Amz-ChannelARN=porch":                                        {{"kinesisvideo:ConnectAsMaster", "arn:channel:porch"}},
		"/signaling/master?X-Amz-ChannelARN=mine&X-Amz-ChannelARN=theirs": {{"kinesisvideo:ConnectAsMaster", "arn:channel:mine"}, {"kinesisvideo:ConnectAsMaster", "arn:channel:theirs"}},
	} {
		got, err := videoNeeds(s, httptest.NewRequest(http.MethodGet, path, nil), nil)
		require.NoError(t, err)
		require.Equal(t, want, got, path)
	}
	got, err = videoNeeds(s, httptest.NewRequest(http.MethodPost, "/v1/get-ice-server-config", nil), []byte(`{"ChannelARN":"porch"}`))
	require.NoError(t, err)
	require.Equal(t, []need{{"kinesisvideo:GetIceServerConfig", "arn:channel:porch"}}, got)
}

// A body that goes on for hours reaches its handler as it comes, unsigned.
func TestStreamedBody(t *testing.T) {
	a := &asked{}
	d := door(t, a, keyring{})
	c := call{service: "kinesisvideo", method: http.MethodPost, url: "/putMedia", payload: hexSHA256(nil),
		headers: map[string]string{"X-Amzn-Stream-Name": "porch"}}
	signed := c.request(t)
	r, body := io.Pipe()
	signed.Body, signed.ContentLength, signed.TransferEncoding = r, -1, []string{"chunked"}
	go func() {
		_, _ = body.Write(bytes.Repeat([]byte("x"), 1<<17)) // more than fits into any other request
		body.Close()
	}()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, signed)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Equal(t, 1<<17, w.Body.Len())
	require.Equal(t, []string{"kinesisvideo:PutMedia porch"}, a.needs)

	signed = c.request(t)
	signed.Header.Set("X-Amzn-Stream-Name", "attic")
	w = httptest.NewRecorder()
	d.ServeHTTP(w, signed)
	require.Equal(t, http.StatusForbidden, w.Code, "the stream is signed")
	require.Equal(t, "InvalidSignatureException", w.Header().Get("X-Amzn-Errortype"))

	c.payload = hexSHA256([]byte("x"))
	signed = c.request(t)
	signed.Header.Set("X-Amz-Content-Sha256", c.payload)
	w = httptest.NewRecorder()
	d.ServeHTTP(w, signed)
	require.Equal(t, http.StatusForbidden, w.Code)
}

func TestSessionsPassWithTheirTokenOnly(t *testing.T) {
	d := door(t, &asked{}, keyring{})
	d.cfg.Sessions = map[string]http.Handler{"/hls/v1/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })}
	for path, want := range map[string]int{"/hls/v1/a?SessionToken=x": http.StatusTeapot, "/hls/v1/a": http.StatusForbidden, "/bucket/a?SessionToken=x": http.StatusForbidden} {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, strings.NewReader("")))
		require.Equal(t, want, w.Code, path)
	}
}

func TestHeadersThatNetHTTPTakesAway(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/putMedia", nil)
	r.TransferEncoding = []string{"chunked"}
	require.Equal(t, "chunked", headerValue(r, "transfer-encoding"), "the C producer signs it")
}
