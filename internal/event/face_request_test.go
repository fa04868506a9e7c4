package event_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func TestFaceMessagesAreWhatPythonWrites(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	every := make([]rune, 0, 0x250)
	for r := range rune(0x200) {
		every = append(every, r)
	}
	for _, id := range []string{
		"1", "7f9c-42", `quo"te \ back/slash`, "é ß 日本 \u2028", "smile 😀", "<b>&amp;</b>", string(every[:250]), string(every[250:500]),
	} {
		picture := []byte{0xff, 0xd8, 0xfb, 0xef, 0xbe, 0}
		want := dumps(t, python, id, base64.StdEncoding.EncodeToString(picture))
		request := &event.FaceRequest{RequestID: id, Filename: "test_" + string([]rune(id)[:1]) + ".jpg", Image: picture}
		for i, key := range []string{event.FaceImageKey, event.FaceKey} {
			body, err := request.MarshalAs(key)
			require.NoError(t, err)
			require.Equal(t, want[i], string(body))
			back, err := event.ParseFaceRequest(body)
			require.NoError(t, err)
			require.Equal(t, request, back)
		}
		for i, response := range []*event.FaceResponse{
			{RequestID: id, Result: "Zoë"},
			{RequestID: id, Filename: request.Filename, Result: event.ResultNoFace},
		} {
			body, err := response.Marshal()
			require.NoError(t, err)
			require.Equal(t, want[2+i], string(body))
			back, err := event.ParseFaceResponse(body)
			require.NoError(t, err)
			require.Equal(t, response, back)
		}
	}
}

// dumps has Python write the four messages about one request.
func dumps(t *testing.T, python, id, picture string) []string {
	const program = `
import json, sys
v = json.load(sys.stdin)
name = "test_" + v["id"][:1] + ".jpg"
for m in [{"request_id": v["id"], "filename": name, "face_image": v["picture"]},
          {"request_id": v["id"], "filename": name, "face": v["picture"]},
          {"request_id": v["id"], "result": "Zo\u00eb"},
          {"request_id": v["id"], "filename": name, "result": "No-Face"}]:
    print(json.dumps(m))
`
	input, err := json.Marshal(map[string]string{"id": id, "picture": picture})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "-c", program)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, 4)
	return lines
}

func TestFaceRequestTellsWhatIsAtFault(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "garbage": "\x00", "array": "[]", "null": "null", "no id": `{"face_image":"AA=="}`, "empty id": `{"request_id":"","face":"AA=="}`,
		"id a number": `{"request_id":1,"face":"AA=="}`, "long id": `{"request_id":"` + strings.Repeat("x", 257) + `","face":"AA=="}`,
		"long name": `{"request_id":"1","filename":"` + strings.Repeat("x", 257) + `","face":"AA=="}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, err := event.ParseFaceRequest([]byte(body))
			require.ErrorIs(t, err, event.ErrInvalid)
			require.Nil(t, r)
		})
	}
	for name, body := range map[string]string{
		"none": `{"request_id":"1"}`, "empty": `{"request_id":"1","face_image":""}`, "number": `{"request_id":"1","face_image":7}`,
		"not base64": `{"request_id":"1","face_image":"?"}`, "cut": `{"request_id":"1","face":"AAA"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, err := event.ParseFaceRequest([]byte(body))
			require.ErrorIs(t, err, event.ErrFaceImage)
			require.Equal(t, &event.FaceRequest{RequestID: "1"}, r)
		})
	}
	_, err := event.ParseFaceRequest(make([]byte, event.MaxFaceMessage+1))
	require.ErrorIs(t, err, event.ErrTooLarge)
	_, err = (&event.FaceRequest{RequestID: "1", Image: make([]byte, event.MaxFaceMessage)}).Marshal()
	require.ErrorIs(t, err, event.ErrTooLarge)
	_, err = (&event.FaceRequest{RequestID: "1"}).Marshal()
	require.ErrorIs(t, err, event.ErrFaceImage)
	_, err = (&event.FaceRequest{RequestID: "1", Image: []byte{1}}).MarshalAs("picture")
	require.ErrorIs(t, err, event.ErrInvalid)
	_, err = (&event.FaceResponse{RequestID: "1"}).Marshal()
	require.ErrorIs(t, err, event.ErrInvalid)
}

func FuzzParseFaceRequest(f *testing.F) {
	f.Add([]byte(`{"request_id": "1", "filename": "test_00.jpg", "face_image": "/9j/"}`))
	f.Add([]byte(`{"request_id":"\ud83d\ude00","face":"AA=="}`))
	f.Add([]byte(`{"request_id":"1","face_image":"?"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := event.ParseFaceRequest(body)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil { // escapes may have made it longer
			require.ErrorIs(t, err, event.ErrTooLarge)
			return
		}
		back, err := event.ParseFaceRequest(again)
		require.NoError(t, err, fmt.Sprintf("%q", again))
		require.Equal(t, r, back)
	})
}

func FuzzParseFaceResponse(f *testing.F) {
	f.Add([]byte(`{"request_id": "1", "result": "Zo\u00eb"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := event.ParseFaceResponse(body)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		require.NoError(t, err)
		back, err := event.ParseFaceResponse(again)
		if err != nil {
			require.ErrorIs(t, err, event.ErrTooLarge)
			return
		}
		require.Equal(t, r, back)
	})
}
