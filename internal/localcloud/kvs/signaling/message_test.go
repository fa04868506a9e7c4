package signaling

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"action":"SDP_OFFER","messagePayload":"e30=","recipientClientId":"anna","correlationId":"c"}`, `{"action":"ICE_CANDIDATE","messagePayload":"?"}`,
		`{"correlationId":"a b"}`, `{}`, `null`, `[`, "",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, master bool) {
		r, err := parseRequest(raw, master, 1000)
		var no *refusal
		switch {
		case err == nil:
			require.Contains(t, []string{offer, answer, candidate}, r.Action)
			require.LessOrEqual(t, len(r.MessagePayload), 1000)
			require.Equal(t, master, r.RecipientClientID != "")
			if master {
				require.Regexp(t, idPattern, r.RecipientClientID)
			}
		case errors.As(err, &no):
		default:
			require.ErrorIs(t, err, errNoMessage)
			require.Nil(t, statusOf(r, err))
		}
		if r.CorrelationID != "" {
			require.Regexp(t, idPattern, r.CorrelationID)
		}
	})
}

func TestBucket(t *testing.T) {
	now := time.Now()
	b := newBucket(5, now)
	for range 10 {
		require.True(t, b.take(now))
	}
	require.False(t, b.take(now))
	require.False(t, b.take(now.Add(-time.Hour)), "a clock that goes back gives nothing")
	now = now.Add(time.Second)
	for range 4 {
		require.True(t, b.take(now))
	}
	require.True(t, b.full(now.Add(time.Minute)))
}
