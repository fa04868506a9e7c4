package event

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseClientFrame(t *testing.T) {
	f, err := ParseClientFrame([]byte(`{"encoded": "AAEC", "request_id": "r", "filename": "test_00.jpg", "more": 1}`))
	require.NoError(t, err)
	require.Equal(t, &ClientFrame{RequestID: "r", Filename: "test_00.jpg", Image: []byte{0, 1, 2}}, f)
	for _, bad := range []string{``, `[]`, `{"encoded":"AAEC"}`, `{"encoded":"AAEC","request_id":""}`, `{"encoded":7,"request_id":"r"}`} {
		f, err := ParseClientFrame([]byte(bad))
		require.ErrorIs(t, err, ErrInvalid, bad)
		require.Nil(t, f)
	}
	for _, bad := range []string{`{"request_id":"r"}`, `{"request_id":"r","encoded":"?"}`} {
		f, err := ParseClientFrame([]byte(bad))
		require.ErrorIs(t, err, ErrInvalid)
		require.Equal(t, "r", f.RequestID, "it can be answered")
	}
	_, err = ParseClientFrame([]byte(strings.Repeat(" ", MaxClientFrame+1)))
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestClientOf(t *testing.T) {
	for topic, want := range map[string]string{"clients/hall": "hall", "clients/": "", "clients/a/b": "", "other/a": ""} {
		name, ok := ClientOf(topic)
		require.Equal(t, want != "", ok, topic)
		if ok {
			require.Equal(t, want, name)
		}
	}
}

func FuzzParseClientFrame(f *testing.F) {
	f.Add([]byte(`{"encoded":"AAEC","request_id":"r","filename":"f"}`))
	f.Add([]byte(`{"encoded":"","request_id":"r"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := ParseClientFrame(data)
		if err == nil {
			require.NotEmpty(t, frame.Image)
		}
		if frame != nil {
			require.NotEmpty(t, frame.RequestID)
		}
	})
}
