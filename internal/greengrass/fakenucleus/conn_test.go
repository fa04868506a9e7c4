package fakenucleus_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/greengrass/fakenucleus"
	"porchlight/internal/greengrass/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// raw is a client that does what it is told, right or wrong.
type raw struct {
	t *testing.T
	net.Conn
}

func dial(t *testing.T, kind fakenucleus.Kind) (*fakenucleus.Nucleus, raw) {
	t.Helper()
	n := fakenucleus.ForTest(t, kind, "c")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", n.Socket())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	r := raw{t, conn}
	r.send(wire.Message{Type: wire.Connect, Version: wire.Version, Payload: []byte(`{"authToken":"` + n.Token() + `"}`)})
	require.Equal(t, wire.ConnectionAccepted, r.receive().Flags)
	return n, r
}

func (r raw) send(m wire.Message) {
	r.t.Helper()
	frame, err := wire.Append(nil, m, wire.JavaLimit)
	require.NoError(r.t, err)
	_, err = r.Write(frame)
	require.NoError(r.t, err)
}

func (r raw) receive() wire.Message {
	r.t.Helper()
	m, err := wire.Read(r, wire.JavaLimit)
	require.NoError(r.t, err)
	return m
}

func (r raw) cutOff() {
	r.t.Helper()
	_, err := io.Copy(io.Discard, r)
	var timeout net.Error
	require.False(r.t, err != nil && errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
}

func request(stream int32) wire.Message {
	return wire.Message{Stream: stream, Operation: wire.Namespace + "UpdateState", Payload: []byte(`{"state":"RUNNING"}`)}
}

func TestStreamIDs(t *testing.T) {
	for name, m := range map[string]wire.Message{
		"skipped":      request(3),
		"repeated":     request(1),
		"no operation": {Stream: 2, Payload: []byte(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			n, r := dial(t, fakenucleus.Java)
			r.send(request(1))
			require.Equal(t, wire.TerminateStream, r.receive().Flags)
			r.send(m)
			require.Equal(t, wire.ProtocolError, r.receive().Type)
			r.cutOff()
			require.Len(t, n.States(), 1)
		})
	}
	n, r := dial(t, fakenucleus.Lite)
	for _, id := range []int32{7, 3, 3} { // nucleus lite does not look
		r.send(request(id))
		require.Equal(t, wire.Message{Stream: id, Model: wire.Namespace + "UpdateStateResponse", ContentType: wire.JSON, Payload: []byte(`{}`)}, r.receive())
	}
	require.Len(t, n.States(), 3)
}

func TestHeadersOfOtherTypes(t *testing.T) {
	m := request(1)
	m.Extra = eventstream.Headers{{Name: "b", Value: eventstream.BoolValue(true)}}
	_, r := dial(t, fakenucleus.Java)
	r.send(m)
	require.Equal(t, wire.ApplicationMessage, r.receive().Type)
	n, r := dial(t, fakenucleus.Lite)
	r.send(m)
	r.cutOff()
	require.Equal(t, 1, n.Counts().Dropped)
}

func TestLateTerminateIsIgnored(t *testing.T) {
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		_, r := dial(t, kind)
		r.send(request(1))
		r.receive()
		r.send(wire.Message{Stream: 1, Flags: wire.TerminateStream})
		r.send(request(2))
		require.Equal(t, int32(2), r.receive().Stream)
	}
}

func TestGarbageIsCutOff(t *testing.T) {
	for _, kind := range []fakenucleus.Kind{fakenucleus.Java, fakenucleus.Lite} {
		n, r := dial(t, kind)
		_, err := r.Write([]byte("GET / HTTP/1.1\r\nHost: nucleus\r\n\r\n"))
		require.NoError(t, err)
		r.cutOff()
		require.Equal(t, 1, n.Counts().Dropped)
	}
}

func TestMisspeltFieldIsRefused(t *testing.T) {
	_, r := dial(t, fakenucleus.Java)
	m := request(1)
	m.Payload = []byte(`{"state":"RUNNING","sate":"RUNNING"}`)
	r.send(m)
	require.Equal(t, "InvalidArgumentsError", r.receive().Shape())
}

func TestKindIsWanted(t *testing.T) {
	_, err := fakenucleus.Start(t.Context(), fakenucleus.Config{})
	require.Error(t, err)
}
