package rekognition

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/s3"
	"porchlight/internal/localcloud/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a detector: a shell script that is given the arguments.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "porchlight")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700))
	return path
}

const twoThings = `echo '{"file":"a","frame":0,"width":200,"height":100,"label":"person","score":0.9,"box":[20,10,60,90]}'
echo '{"file":"a","frame":0,"width":200,"height":100,"label":"cell phone","score":0.5,"box":[0,0,100,50]}'
echo '{"file":"a","frame":0,"width":200,"height":100,"label":"person","score":0.95,"box":[100,0,200,100]}'
`

func service(t *testing.T, cfg Config) *Service {
	t.Helper()
	cfg.Dir, cfg.Logger = filepath.Join(t.TempDir(), "pictures"), slog.New(slog.DiscardHandler)
	s := New(cfg)
	t.Cleanup(func() {
		left, _ := os.ReadDir(cfg.Dir)
		require.Empty(t, left, "a picture stays")
	})
	return s
}

func encoded(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))))
	return out.Bytes()
}

func ask(t *testing.T, s *Service, by sts.Principal, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(sts.WithPrincipal(t.Context(), by), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "RekognitionService.DetectLabels")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Equal(t, "application/x-amz-json-1.1", w.Header().Get("Content-Type"))
	var out map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	return w.Code, out
}

func withBytes(raw []byte, more string) string {
	return `{"Image":{"Bytes":"` + base64.StdEncoding.EncodeToString(raw) + `"}` + more + `}`
}

var root = sts.Principal{Root: true}

func TestLabels(t *testing.T) {
	args := filepath.Join(t.TempDir(), "args")
	s := service(t, Config{Program: script(t, `echo "$@" > `+args+"\n"+twoThings), Models: "/models", Model: "net"})
	status, out := ask(t, s, root, withBytes(encoded(t, 200, 100), `,"MinConfidence":40`))
	require.Equal(t, 200, status, out)
	want := `{"LabelModelVersion":"porchlight-1","Labels":[
		{"Name":"Person","Confidence":95,"Parents":[],"Aliases":[],"Categories":[],"Instances":[
			{"Confidence":95,"BoundingBox":{"Left":0.5,"Top":0,"Width":0.5,"Height":1}},
			{"Confidence":90,"BoundingBox":{"Left":0.1,"Top":0.1,"Width":0.2,"Height":0.8}}]},
		{"Name":"Cell Phone","Confidence":50,"Parents":[],"Aliases":[],"Categories":[],"Instances":[
			{"Confidence":50,"BoundingBox":{"Left":0,"Top":0,"Width":0.5,"Height":0.5}}]}]}`
	got, err := json.Marshal(out)
	require.NoError(t, err)
	require.JSONEq(t, want, string(got))
	said, err := os.ReadFile(args)
	require.NoError(t, err)
	require.Regexp(t, `^detect --json --min-score 0\.399999 --models /models --model net -- .*/look-[0-9]+\.png\n$`, string(said))

	names := func(more string) (names []string) {
		_, out := ask(t, s, root, withBytes(encoded(t, 200, 100), more))
		for _, l := range out["Labels"].([]any) {
			names = append(names, l.(map[string]any)["Name"].(string))
		}
		return names
	}
	require.Equal(t, []string{"Person"}, names(""), "55 percent unless asked otherwise")
	require.Equal(t, []string{"Person"}, names(`,"MinConfidence":0,"MaxLabels":1,"Features":["GENERAL_LABELS"]`))
	require.Empty(t, names(`,"MaxLabels":0`))
	require.Empty(t, names(`,"MinConfidence":100`))
}

func TestRefused(t *testing.T) {
	s := service(t, Config{Program: script(t, twoThings)})
	small := encoded(t, 4, 4)
	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 4, 4)), nil))
	status, _ := ask(t, s, root, withBytes(photo.Bytes(), ""))
	require.Equal(t, 200, status)
	for name, c := range map[string]struct{ body, code string }{
		"no JSON":       {"{", "SerializationException"},
		"no base64":     {`{"Image":{"Bytes":"?"}}`, "SerializationException"},
		"no image":      {`{}`, "InvalidParameterException"},
		"two images":    {`{"Image":{"Bytes":"AA==","S3Object":{"Bucket":"b","Name":"k"}}}`, "InvalidParameterException"},
		"half a name":   {`{"Image":{"S3Object":{"Bucket":"b"}}}`, "InvalidParameterException"},
		"version":       {`{"Image":{"S3Object":{"Bucket":"b","Name":"k","Version":"1"}}}`, "InvalidS3ObjectException"},
		"confidence":    {withBytes(small, `,"MinConfidence":101`), "InvalidParameterException"},
		"labels":        {withBytes(small, `,"MaxLabels":-1`), "InvalidParameterException"},
		"feature":       {withBytes(small, `,"Features":["IMAGE_PROPERTIES"]`), "InvalidParameterException"},
		"properties":    {withBytes(small, `,"Settings":{"ImageProperties":{"MaxDominantColors":1}}`), "InvalidParameterException"},
		"filter":        {withBytes(small, `,"Settings":{"GeneralLabels":{"LabelInclusionFilters":["Cat"]}}`), "InvalidParameterException"},
		"text":          {withBytes([]byte("hello"), ""), "InvalidImageFormatException"},
		"GIF":           {withBytes([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), ""), "InvalidImageFormatException"},
		"half a header": {withBytes(small[:20], ""), "InvalidImageFormatException"},
		"too wide":      {withBytes(encoded(t, maxPixels+1, 1), ""), "ImageTooLargeException"},
		"too large":     {withBytes(make([]byte, maxBytes+1), ""), "ImageTooLargeException"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := ask(t, s, root, c.body)
			require.Equal(t, 400, status)
			require.Equal(t, c.code, out["__type"], out["message"])
		})
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "RekognitionService.DetectFaces")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), "UnknownOperationException")
}

func TestObjectsTakeTheRightToReadThem(t *testing.T) {
	asked := []string{}
	objects := map[string]any{"b/k": encoded(t, 4, 4), "b/huge": s3.ErrTooLarge, "b/broken": errors.New("disk")}
	s := service(t, Config{
		Program: script(t, twoThings),
		Objects: func(bucket, key string, most int64) ([]byte, error) {
			require.EqualValues(t, maxObject, most)
			switch o := objects[bucket+"/"+key].(type) {
			case []byte:
				return o, nil
			case error:
				return nil, o
			}
			return nil, fmt.Errorf("%w: %s", s3.ErrNoObject, key)
		},
		Authorize: func(p sts.Principal, action, resource string) error {
			asked = append(asked, action+" "+resource)
			if p.RoleARN == "arn:reader" {
				return nil
			}
			return errors.New("no statement allows it")
		},
	})
	reader, other := sts.Principal{RoleARN: "arn:reader"}, sts.Principal{RoleARN: "arn:other"}
	for _, c := range []struct {
		by   sts.Principal
		key  string
		code any
	}{
		{root, "k", nil}, {reader, "k", nil}, {other, "k", "InvalidS3ObjectException"}, {reader, "none", "InvalidS3ObjectException"},
		{reader, "huge", "ImageTooLargeException"}, {reader, "broken", "InternalServerError"},
	} {
		_, out := ask(t, s, c.by, `{"Image":{"S3Object":{"Bucket":"b","Name":"`+c.key+`"}}}`)
		require.Equal(t, c.code, out["__type"], "%+v", out)
	}
	require.Equal(t, "s3:GetObject arn:aws:s3:::b/k", asked[0])
}

func TestDetectorThatFails(t *testing.T) {
	for name, c := range map[string]struct{ program, says string }{
		"none":      {"", "make build"},
		"not there": {"/nowhere/porchlight", "no such file"},
		"fails":     {script(t, "echo 'models: no such folder' >&2\nexit 1"), "models: no such folder"},
		"babbles":   {script(t, "echo hello"), `it says \"hello\"`},
		"nonsense":  {script(t, `echo '{"width":0,"label":"x"}'`), "it says"},
		"endless":   {script(t, "yes "+strings.Repeat("x", 99)+" | head -c 3000000"), "it says"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := ask(t, service(t, Config{Program: c.program}), root, withBytes(encoded(t, 4, 4), ""))
			require.Equal(t, 500, status)
			require.Equal(t, "InternalServerError", out["__type"])
			require.Contains(t, fmt.Sprintf("%q", out["message"]), c.says)
		})
	}
	s := service(t, Config{Program: script(t, "exec sleep 1000"), Timeout: 50 * time.Millisecond})
	_, out := ask(t, s, root, withBytes(encoded(t, 4, 4), ""))
	require.Contains(t, out["message"], "took longer than")
}

func TestTooManyPicturesAreSentAway(t *testing.T) {
	s := service(t, Config{Program: script(t, twoThings)})
	for range cap(s.queue) {
		s.queue <- struct{}{}
	}
	_, out := ask(t, s, root, withBytes(encoded(t, 4, 4), ""))
	require.Equal(t, "ThrottlingException", out["__type"])
	<-s.queue
	status, _ := ask(t, s, root, withBytes(encoded(t, 4, 4), ""))
	require.Equal(t, 200, status)
}

func TestLeftPicturesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "look-1.png"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other"), nil, 0o600))
	New(Config{Dir: dir})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"Image":{"Bytes":"AA=="},"MaxLabels":1,"MinConfidence":50.5}`))
	f.Add([]byte(`{"Image":{"S3Object":{"Bucket":"b","Name":"k"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readRequest(bytes.NewReader(body))
		if err == nil && (in.minConfidence() < 0 || in.minConfidence() > 100 || in.MaxLabels != nil && *in.MaxLabels < 0) {
			t.Fatalf("%+v", in)
		}
	})
}

func FuzzParseSightings(f *testing.F) {
	f.Add([]byte(`{"width":200,"height":100,"label":"person","score":0.9,"box":[20,10,60,90]}` + "\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		seen, err := parseSightings(bytes.NewReader(out))
		if err != nil {
			return
		}
		in := &request{}
		if _, err := json.Marshal(labels(seen, in)); err != nil {
			t.Fatal(err)
		}
	})
}
