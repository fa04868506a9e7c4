package producer

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefusals is the service's own list of errors, each with what it is to
// lead to.
func TestRefusals(t *testing.T) {
	want := map[int]reaction{
		4000: resend, 4001: skip, 4002: skip, 4003: resend, 4004: skip, 4005: mute, 4006: skip, 4007: skip, 4008: slow,
		4009: skip, 4010: mute, 4011: mute, 4012: mute,
		4500: slow, 4501: slow, 4502: slow, 4503: slow, 4504: slow, 4505: slow, 4506: slow,
		5000: resend, 5001: resend, 9999: resend,
	}
	require.Len(t, want, len(refusals)+1)
	for id, reaction := range want {
		f := refusal(ack{id: id, code: "CODE"}, true)
		require.Equal(t, reaction, f.reaction, "%d", id)
		require.ErrorIs(t, f, ErrRefused)
		require.Contains(t, f.Error(), fmt.Sprintf("(%d CODE)", id))
		if reaction == mute {
			require.Equal(t, skip, refusal(ack{id: id}, false).reaction, "%d without sound", id)
		}
	}
}

func TestRejections(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   string
		want   reaction
	}{
		{400, "InvalidEndpointException", renew},
		{400, "ConnectionLimitExceededException", resend},
		{400, "ClientLimitExceededException:http://internal", resend},
		{400, "InvalidArgumentException", slow},
		{400, "", slow},
		{401, "NotAuthorizedException", reauthorize},
		{403, "", reauthorize},
		{404, "ResourceNotFoundException", renew},
		{406, "", slow},
		{408, "", resend},
		{429, "", resend},
		{500, "", resend},
		{503, "ServiceUnavailable", resend},
		{504, "", resend},
		{301, "", resend},
	} {
		f := rejection(c.status, c.kind, "why")
		require.Equal(t, c.want, f.reaction, "%d %s", c.status, c.kind)
		require.ErrorIs(t, f, ErrRequest)
		require.Contains(t, f.Error(), http.StatusText(c.status))
		require.Contains(t, f.Error(), "why")
		require.NotContains(t, f.Error(), "internal")
		require.Equal(t, c.want, reactionTo(fmt.Errorf("so: %w", f)))
	}
	require.Equal(t, resend, reactionTo(errors.New("no network")))
}
