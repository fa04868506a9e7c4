package live

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRequest: whatever a viewer sends, it gets a reply that is JSON, and no
// more of it is repeated than may be.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"v":1,"type":"ptz","id":"7","pan":0.5}`, `{"v":1,"type":"ping"}`, `{"v":2,"type":"ping"}`, `{"v":"1","type":["x"]}`,
		`{"v":1,"type":"\ud800","id":"\u0000"}`, `[[[[`, ``, `null`, `{"v":1e0,"type":"ping","type":"siren"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRequest(data)
		if err == nil {
			require.NotEmpty(t, r.Type)
			require.JSONEq(t, string(data), string(r.Body))
		} else {
			require.NotEqual(t, CodeInternal, asFault(err).Code)
		}
		require.LessOrEqual(t, len(r.ID), maxID)
		require.LessOrEqual(t, len(r.Type), maxType)
		text := answerTo(r, nil, err)
		require.LessOrEqual(t, len(text), maxRequest)
		var back reply
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, err == nil, back.OK)
	})
}

// FuzzOffer: an offer is understood or refused, and a refusal can be read.
func FuzzOffer(f *testing.F) {
	f.Add("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=recvonly\r\n" +
		"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n")
	f.Add("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96\r\na=fmtp\r\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := inspect(text)
		if err == nil {
			o.watchable(glance{}, glance{})
		} else {
			require.NotEqual(t, CodeInternal, asFault(err).Code)
		}
		if answer, err := refusal(text, faultf(CodeFull, "line\r\na=evil:1")); err == nil {
			require.NotContains(t, answer, "\r\na=evil")
		}
	})
}

// FuzzSignaling: payloads of signaling messages.
func FuzzSignaling(f *testing.F) {
	f.Add([]byte(`{"type":"offer","sdp":"v=0"}`))
	f.Add([]byte(`{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := parseOffer(data); err == nil {
			require.NotEmpty(t, d.SDP)
		}
		_, _ = parseCandidate(data)
	})
}
