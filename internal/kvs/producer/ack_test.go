package producer

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestParseAck(t *testing.T) {
	for text, want := range map[string]ack{
		`{"EventType":"PERSISTED","FragmentTimecode":1510015200123,"FragmentNumber":"91343852333181432392682062607743920884265455104"}`: {
			kind: ackPersisted, timecode: 1510015200123, number: "91343852333181432392682062607743920884265455104",
		},
		`{"Acknowledgement":{"EventType":"Buffering","FragmentTimecode":"7","FragmentNumber":91343852333181432392682062607743920884265455104}}`: {
			kind: ackBuffering, timecode: 7, number: "91343852333181432392682062607743920884265455104",
		},
		`{"EventType":"ERROR","FragmentTimecode":0,"ErrorId":4006,"ErrorCode":"INVALID_MKV_DATA","New":{"a":[1]}}`: {
			kind: ackError, id: 4006, code: "INVALID_MKV_DATA",
		},
		`{"AckEventType":"ERROR","ErrorId":"5000","ErrorCode":null,"FragmentNumber":[1]}`: {kind: ackError, timecode: -1, id: 5000},
		`{"EventType":"IDLE"}`: {kind: ackIdle, timecode: -1},
	} {
		got, err := parseAck([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "null", "{}", "[]", `{"EventType":1}`, `{"EventType":"ERROR","ErrorId":"x"}`,
		`{"EventType":"PERSISTED","FragmentTimecode":1.5}`, `{"Acknowledgement":{}}`, `{"EventType":"ERROR"`,
	} {
		_, err := parseAck([]byte(text))
		require.ErrorIs(t, err, errNotAck, text)
	}
}

func TestAckReader(t *testing.T) {
	text := "\r\n {\"a\":\"}{\\\"\"}{\"b\":{\"c\":1}}}}garbage]\n\n{\"d\":\"\\\\\"}{\"e"
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		acks := newAckReader(r)
		for _, want := range []string{`{"a":"}{\""}`, `{"b":{"c":1}}`, `{"d":"\\"}`} {
			got, err := acks.next()
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		}
		_, err := acks.next()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	_, err := newAckReader(strings.NewReader("x")).next()
	require.ErrorIs(t, err, io.EOF)
	_, err = newAckReader(strings.NewReader("{" + strings.Repeat(" ", maxAck))).next()
	require.ErrorIs(t, err, errNotAck)
}

func FuzzAcks(f *testing.F) {
	f.Add([]byte(`{"EventType":"PERSISTED","FragmentTimecode":1,"FragmentNumber":"1"}` + "\r\n" + `{"Acknowledgement":{"EventType":"ERROR","ErrorId":4003}}`))
	f.Add([]byte(`{"a":"\"}"}{`))
	f.Add([]byte(`{"EventType":"ERROR","ErrorId":"-1","FragmentTimecode":"99999999999999999999"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		acks := newAckReader(strings.NewReader(string(data)))
		for {
			object, err := acks.next()
			if err != nil {
				require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errNotAck))
				return
			}
			require.Contains(t, string(data), string(object))
			if a, err := parseAck(object); err == nil {
				require.NotEmpty(t, a.kind)
			}
		}
	})
}
