package wire_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass/wire"
)

func full() wire.Message {
	return wire.Message{
		Type: wire.ApplicationMessage, Flags: wire.TerminateStream, Stream: 7,
		Operation: wire.Namespace + "PublishToTopic", Model: wire.Namespace + "PublishToTopicRequest",
		ContentType: wire.JSON, Version: wire.Version,
		Extra:   eventstream.Headers{{Name: "trace", Value: eventstream.StringValue("a")}},
		Payload: []byte(`{"topic":"t"}`),
	}
}

func frame(t *testing.T, m wire.Message) []byte {
	t.Helper()
	b, err := wire.Append(nil, m, wire.JavaLimit)
	require.NoError(t, err)
	return b
}

func TestMessageComesBack(t *testing.T) {
	for name, m := range map[string]wire.Message{"full": full(), "bare": {Type: wire.Ping}} {
		t.Run(name, func(t *testing.T) {
			got, err := wire.Read(bytes.NewReader(frame(t, m)), wire.LiteLimit)
			require.NoError(t, err)
			require.Equal(t, m, got)
		})
	}
}

// The bytes are put together by hand from the description of the frame, so
// that encoder and decoder cannot be wrong alike.
func TestFrameIsAsDescribed(t *testing.T) {
	var headers []byte
	number := func(name string, v uint32) {
		headers = append(append(headers, byte(len(name))), name...)
		headers = binary.BigEndian.AppendUint32(append(headers, 4), v)
	}
	number(":message-type", 4)
	number(":message-flags", 0)
	number(":stream-id", 0)
	headers = append(append(headers, byte(len(":version"))), ":version"...)
	headers = append(binary.BigEndian.AppendUint16(append(headers, 7), 5), "0.1.0"...)
	payload := []byte(`{"authToken":"0123456789abcdef"}`)
	want := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	want = binary.BigEndian.AppendUint32(want, uint32(len(headers)))
	want = binary.BigEndian.AppendUint32(want, crc32.ChecksumIEEE(want))
	want = append(append(want, headers...), payload...)
	want = binary.BigEndian.AppendUint32(want, crc32.ChecksumIEEE(want))

	require.Equal(t, want, frame(t, wire.Message{Type: wire.Connect, Version: wire.Version, Payload: payload}))
}

func TestBadFramesAreRefused(t *testing.T) {
	good := frame(t, full())
	damaged := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	lengths := func(total, headers uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, total)
		b = binary.BigEndian.AppendUint32(b, headers)
		return append(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), make([]byte, 64)...)
	}
	noStream, err := encode(eventstream.Headers{{Name: ":message-type", Value: eventstream.Int32Value(0)}})
	require.NoError(t, err)
	wrongType, err := encode(eventstream.Headers{{Name: ":message-type", Value: eventstream.StringValue("0")}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"nothing":                {nil, io.EOF},
		"cut in the lengths":     {good[:5], io.ErrUnexpectedEOF},
		"cut in the payload":     {good[:len(good)-6], io.ErrUnexpectedEOF},
		"damaged length":         {damaged(3), wire.ErrMalformed},
		"damaged header":         {damaged(20), wire.ErrMalformed},
		"damaged payload":        {damaged(len(good) - 6), wire.ErrMalformed},
		"shorter than nothing":   {lengths(15, 0), wire.ErrMalformed},
		"headers beyond the end": {lengths(40, 25), wire.ErrMalformed},
		"headers overflow":       {lengths(40, 1<<32-1), wire.ErrMalformed},
		"long":                   {lengths(wire.LiteLimit+1, 0), wire.ErrTooLarge},
		"four gigabytes":         {lengths(1<<32-1, 0), wire.ErrTooLarge},
		"no stream id":           {noStream, wire.ErrMalformed},
		"type as text":           {wrongType, wire.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.Read(bytes.NewReader(c.bytes), wire.LiteLimit)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func encode(headers eventstream.Headers) ([]byte, error) {
	var b bytes.Buffer
	err := eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: headers})
	return b.Bytes(), err
}

func TestAppendKeepsTheLimit(t *testing.T) {
	m := full()
	size := len(frame(t, m))
	b, err := wire.Append([]byte("before"), m, size)
	require.NoError(t, err)
	require.Len(t, b, len("before")+size)
	b, err = wire.Append([]byte("before"), m, size-1)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	require.Equal(t, "before", string(b))
	m.Payload = make([]byte, wire.LiteLimit)
	_, err = wire.Append(nil, m, wire.LiteLimit)
	require.ErrorIs(t, err, wire.ErrTooLarge)
}

func TestPongCarriesThePingsOwnHeaders(t *testing.T) {
	ping := wire.Message{Type: wire.Ping, Payload: []byte("x"), Extra: eventstream.Headers{
		{Name: ":date", Value: eventstream.StringValue("today")}, {Name: "trace", Value: eventstream.StringValue("a")},
	}}
	require.Equal(t, wire.Message{Type: wire.PingResponse, Payload: []byte("x"), Extra: ping.Extra[1:]}, ping.Pong())
}

func TestPortableHeaders(t *testing.T) {
	require.True(t, full().Portable())
	m := full()
	m.Extra = append(m.Extra, eventstream.Header{Name: "b", Value: eventstream.BoolValue(true)})
	require.False(t, m.Portable())
}

// What Read takes, Append writes and Read takes again. The bytes are read as
// they are, and as the headers of a frame whose checksums are right, which
// chance would not find.
func FuzzRead(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, raw := range [][]byte{b, framed(b)} {
			m, err := wire.Read(bytes.NewReader(raw), wire.LiteLimit)
			if err != nil {
				continue
			}
			again, err := wire.Append(nil, m, 2*wire.LiteLimit)
			require.NoError(t, err)
			got, err := wire.Read(bytes.NewReader(again), 2*wire.LiteLimit)
			require.NoError(t, err)
			require.Equal(t, m, got)
		}
	})
}

func framed(headers []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(headers)+16))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = append(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), headers...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
