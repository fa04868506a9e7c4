package signaling

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"messageType":"SDP_OFFER","messagePayload":"e30=","senderClientId":"anna"}`, `{"messageType":"GO_AWAY"}`, `{"messageType":"ICE_CANDIDATE","messagePayload":"Yg=="}`,
		`{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"c","errorType":"E","statusCode":400,"description":"no"}}`, `{}`, `null`, "[", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw)
		if err != nil {
			require.ErrorIs(t, err, ErrMessage)
			require.Equal(t, Message{}, m)
			return
		}
		require.LessOrEqual(t, len(m.Reason), maxReason)
		if m.Client != "" {
			require.Regexp(t, idPattern, m.Client)
		}
		if m.Kind == Offer || m.Kind == Answer || m.Kind == Candidate {
			require.True(t, json.Valid(m.Payload))
		}
	})
}

func TestParse(t *testing.T) {
	m, err := parse([]byte(`{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"c","errorType":"E","statusCode":400,"description":"no"}}`))
	require.NoError(t, err)
	require.Equal(t, Message{Kind: Refused, CorrelationID: "c", Reason: "E: no"}, m)
	m, err = parse([]byte(`{"messageType":"SDP_ANSWER","messagePayload":"eyJhIjoxfQ==","senderClientId":""}`))
	require.NoError(t, err)
	require.Equal(t, Message{Kind: Answer, Payload: []byte(`{"a":1}`)}, m, "the master may leave its id out")
}

func TestEncode(t *testing.T) {
	good := Message{Client: "anna", Kind: Answer, Payload: []byte(`{}`), CorrelationID: "c"}
	raw, err := encode(good, Master)
	require.NoError(t, err)
	require.JSONEq(t, `{"action":"SDP_ANSWER","messagePayload":"e30=","recipientClientId":"anna","correlationId":"c"}`, string(raw))
	for name, change := range map[string]func(*Message){
		"kind":           func(m *Message) { m.Kind = RenewICE },
		"no recipient":   func(m *Message) { m.Client = "" },
		"bad recipient":  func(m *Message) { m.Client = "a b" },
		"correlation id": func(m *Message) { m.CorrelationID = "a b" },
		"empty":          func(m *Message) { m.Payload = nil },
		"too large":      func(m *Message) { m.Payload = []byte(strings.Repeat("x", 7501)) },
	} {
		m := good
		change(&m)
		_, err := encode(m, Master)
		require.ErrorIs(t, err, ErrMessage, name)
	}
	_, err = encode(good, Viewer)
	require.ErrorIs(t, err, ErrMessage, "viewers reach the master alone")
	good.Payload = []byte(strings.Repeat("x", 7500))
	_, err = encode(good, Master)
	require.NoError(t, err, "10,000 characters of base64")
}
