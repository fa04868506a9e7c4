package page

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
	"porchlight/internal/recording"
)

// noon is when test recordings begin.
func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// film is video that was recorded.
type film struct {
	camera string
	begin  time.Time
	alert  bool
	args   []string // of ffmpeg
	again  int      // times that it is filmed once more
}

func door(begin time.Time, size, seconds string, more ...string) film {
	args := append(mediatest.Scene(size, "25", seconds, true), "-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
	return film{camera: "home.door", begin: begin, args: append(args, more...)}
}

// recordings are a library with films in it.
func recordings(t *testing.T, films ...film) (library *recording.Library, dir string) {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	library, err := recording.Open(recording.LibraryConfig{Dir: dir, Free: func(string) (int64, error) { return 1 << 40, nil }, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, library.Close()) })
	for _, f := range films {
		ring := media.NewRing(media.RingConfig{Keep: time.Minute, MaxBytes: 256 << 20, Log: log})
		r, err := recording.New(recording.Config{Camera: f.camera, Ring: ring, Library: library, Log: log, Mode: recording.Always, Segment: 2 * time.Second})
		require.NoError(t, err)
		if f.alert {
			require.NoError(t, r.Begin(recording.Event{ID: "a", From: f.begin, Until: f.begin.Add(time.Minute), Severity: event.Alert}))
		}
		clip := mediatest.Encode(t, f.args...)
		first := clip.Packets[slices.IndexFunc(clip.Packets, func(p *media.Packet) bool { return p.Key })].PTS
		for turn := range f.again + 1 {
			for _, p := range clip.Packets {
				q := *p
				q.PTS += time.Duration(turn) * 2 * time.Second // as long as films are that are filmed again
				q.Time = f.begin.Add(q.PTS - first)
				ring.Put(&q)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.Run(ctx) // which records what there is
	}
	return library, dir
}

func question(what string, from, to time.Time, more ...string) string {
	return "/camera/home.door/" + what + "?" + strings.Join(append([]string{"from=" + from.Format(time.RFC3339Nano), "to=" + to.Format(time.RFC3339Nano)}, more...), "&")
}

func ask[T any](t *testing.T, s *served, client *http.Client, path string) (v T) {
	t.Helper()
	out, body := answer(t, client, s.get(t, path))
	require.Equal(t, http.StatusOK, out.StatusCode, body)
	require.Equal(t, "application/json", out.Header.Get("Content-Type"))
	require.NoError(t, json.Unmarshal([]byte(body), &v))
	return v
}

func TestRecordingsAreListed(t *testing.T) {
	former := door(noon().Add(2*time.Minute), "160x120", "2")
	former.camera = "home.shed"
	event := door(noon().Add(time.Minute), "160x120", "3")
	event.alert = true
	library, _ := recordings(t, door(noon(), "160x120", "4"), event, former)
	s := serveWith(t, library)
	b := s.signedIn(t)
	_, body := answer(t, b, s.get(t, "/"))
	require.Contains(t, body, `href="/camera/home.door/recordings"`)
	require.Contains(t, body, `href="/camera/home.shed/recordings"`, "of a camera that is not configured any more")
	_, body = answer(t, b, s.get(t, "/camera/home.door"))
	require.Contains(t, body, `href="/camera/home.door/recordings"`)
	out, body := answer(t, b, s.get(t, "/camera/home.shed/recordings"))
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.Contains(t, body, `data-camera="home.shed"`)
	require.NotContains(t, body, `href="/camera/home.shed"`)

	got := ask[struct {
		Camera string
		Ranges []rangeAnswer
		More   bool
	}](t, s, b, question("ranges", noon().Add(-time.Hour), noon().Add(time.Hour)))
	require.Equal(t, "home.door", got.Camera)
	require.Len(t, got.Ranges, 2)
	require.Equal(t, "continuous", got.Ranges[0].Class)
	require.Equal(t, noon(), got.Ranges[0].From.Time)
	require.Equal(t, "alert", got.Ranges[1].Class)
	require.InDelta(t, 3, got.Ranges[1].To.Sub(got.Ranges[1].From.Time).Seconds(), 0.2)

	clip := ask[clipAnswer](t, s, b, question("clip", noon(), noon().Add(2*time.Minute)))
	require.Len(t, clip.Pieces, 2)
	require.Equal(t, noon().Add(time.Minute), clip.Pieces[1].At.Time)
	require.Nil(t, clip.Rest)
}

func TestClipsAreSentInParts(t *testing.T) {
	library, _ := recordings(t, door(noon(), "320x180", "8"))
	s := serveWith(t, library)
	b := s.signedIn(t)
	path := question("clip.mp4", noon().Add(2500*time.Millisecond), noon().Add(4500*time.Millisecond))
	out, whole := answer(t, b, s.get(t, path))
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.Equal(t, "video/mp4", out.Header.Get("Content-Type"))
	require.Equal(t, "bytes", out.Header.Get("Accept-Ranges"))
	require.Equal(t, `inline; filename="home.door_20261121T120002Z.mp4"`, out.Header.Get("Content-Disposition"))
	require.Contains(t, out.Header.Get("Content-Security-Policy"), "media-src 'self'")
	require.Equal(t, 75, mediatest.Decode(t, []byte(whole)))
	tag := out.Header.Get("ETag")
	require.NotEmpty(t, tag)

	part := func(header, value string, more ...string) (said, string) {
		r := s.get(t, path)
		r.Header.Set(header, value)
		for i := 0; i < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		return answer(t, b, r)
	}
	out, body := part("Range", "bytes=0-1")
	require.Equal(t, http.StatusPartialContent, out.StatusCode)
	require.Equal(t, whole[:2], body)
	out, body = part("Range", "bytes=1000-", "If-Range", tag)
	require.Equal(t, http.StatusPartialContent, out.StatusCode)
	require.True(t, whole[1000:] == body)
	out, body = part("Range", "bytes=1000-", "If-Range", `"other"`)
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.True(t, whole == body)
	out, body = part("Range", "bytes=-500")
	require.Equal(t, http.StatusPartialContent, out.StatusCode)
	require.True(t, whole[len(whole)-500:] == body)
	out, body = part("Range", "bytes=0-1,5-9,20-30")
	require.Equal(t, http.StatusOK, out.StatusCode, "one part at a time")
	require.True(t, whole == body)
	out, _ = part("Range", "bytes=99999999-")
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, out.StatusCode)
	out, _ = part("If-None-Match", tag)
	require.Equal(t, http.StatusNotModified, out.StatusCode)
	head := s.get(t, path)
	head.Method = http.MethodHead
	out, body = answer(t, b, head)
	require.Equal(t, http.StatusOK, out.StatusCode)
	require.Empty(t, body)
	out, _ = answer(t, b, s.get(t, path+"&download=1"))
	require.Contains(t, out.Header.Get("Content-Disposition"), "attachment;")
	// The answer is there a moment before its place is free.
	require.Eventually(t, func() bool { return len(s.page.clips) == 0 }, 20*time.Second, time.Millisecond)
}

// TestPlayersPlayIt: software of others, with the token as a bearer.
func TestPlayersPlayIt(t *testing.T) {
	library, _ := recordings(t, door(noon(), "320x180", "6"))
	s := serveWith(t, library)
	address := s.URL + question("clip.mp4", noon(), noon().Add(time.Minute))
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-headers", "Authorization: Bearer "+token+"\r\n", "-count_frames", "-show_entries",
		"stream=codec_name,nb_read_frames:format=duration", "-of", "default=nk=1:nw=1", address).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "h264\n150\n")
	require.Contains(t, string(out), "aac\n")
	bad, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", address).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(bad), "401")
}

func TestRecordingsRefuseWhatTheyAreNotAskedWell(t *testing.T) {
	library, dir := recordings(t, door(noon(), "160x120", "2"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret.mp4"), []byte("secret"), 0o600))
	s := serveWith(t, library)
	b := s.signedIn(t)
	from, to := "2026-11-21T12:00:00Z", "2026-11-21T12:00:10Z"
	for query, want := range map[string]int{
		"from=" + from + "&to=" + to:                        http.StatusOK,
		"from=2026-11-21T13:00:00%2B01:00&to=" + to:         http.StatusOK,
		"from=2020-01-01T00:00:00Z&to=2020-01-01T00:05:00Z": http.StatusNotFound,
		"":                           http.StatusBadRequest,
		"from=" + from:               http.StatusBadRequest,
		"to=" + to:                   http.StatusBadRequest,
		"from=" + to + "&to=" + from: http.StatusBadRequest,
		"from=" + from + "&from=" + from + "&to=" + to:                   http.StatusBadRequest,
		"from=" + from + "&to=" + to + "&path=/etc/passwd":               http.StatusBadRequest,
		"from=" + from + "&to=" + to + "&download=../x":                  http.StatusBadRequest,
		"from=" + from + "&to=2026-11-21T12:10:01Z":                      http.StatusBadRequest, // more than ten minutes
		"from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z":              http.StatusBadRequest,
		"from=9999-12-31T23:59:59Z&to=9999-12-31T23:59:59Z":              http.StatusBadRequest,
		"from=1795262400&to=1795262410":                                  http.StatusBadRequest,
		"from=%00&to=%ff":                                                http.StatusBadRequest,
		"from=%&to=" + to:                                                http.StatusBadRequest,
		"from=" + from + ";to=" + to:                                     http.StatusBadRequest,
		"from=../../secret.mp4&to=" + to:                                 http.StatusBadRequest,
		"from=" + from + "&to=" + to + "&x=" + strings.Repeat("y", 1000): http.StatusBadRequest,
		"from=" + strings.Repeat("9", 100_000):                           http.StatusRequestHeaderFieldsTooLarge,
	} {
		out, body := answer(t, b, s.get(t, "/camera/home.door/clip.mp4?"+query))
		if want == http.StatusRequestHeaderFieldsTooLarge && out.StatusCode == http.StatusBadRequest {
			want = out.StatusCode // this server's headers are not bounded like those of Run
		}
		require.Equal(t, want, out.StatusCode, "%.100s: %.200s", query, body)
		require.NotContains(t, body, dir)
		if want == http.StatusBadRequest {
			require.Less(t, len(body), 300)
			out, _ = answer(t, b, s.get(t, "/camera/home.door/clip?"+query))
			require.Equal(t, want, out.StatusCode, query)
		}
	}
	for _, camera := range []string{
		"none", "..", "../home.door", "%2e%2e", "..%2fhome.door", "home.door%2f2026-11-21", "home.door%00", ".lock", "secret.mp4", "%2fetc%2fpasswd", "home.door%2f..",
	} {
		for _, what := range []string{"clip.mp4", "clip", "ranges", "recordings"} {
			r := s.get(t, "/camera/x/"+what+"?from="+from+"&to="+to)
			r.URL.RawPath, r.URL.Path = "/camera/"+camera+"/"+what, ""
			path, err := url.PathUnescape(r.URL.RawPath)
			require.NoError(t, err)
			r.URL.Path = path
			out, body := answer(t, b, r)
			require.NotEqual(t, http.StatusOK, out.StatusCode, "%s %s", camera, what)
			require.NotContains(t, body, "secret")
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		r := s.get(t, question("clip.mp4", noon(), noon().Add(time.Second)))
		r.Method = method
		out, _ := answer(t, b, r)
		require.NotEqual(t, http.StatusOK, out.StatusCode, method)
	}
	require.Empty(t, s.log.String())
	require.Empty(t, s.page.clips)
}

func TestRecordingsAreNotShownToStrangers(t *testing.T) {
	library, _ := recordings(t, door(noon(), "160x120", "2"))
	s := serveWith(t, library)
	for _, path := range []string{
		"/camera/home.door/recordings", question("ranges", noon(), noon()), question("clip", noon(), noon()), question("clip.mp4", noon(), noon()),
		question("clip.mp4", noon(), noon(), "token="+token), "/recordings.js",
	} {
		out, body := answer(t, s.browser(t), s.get(t, path))
		require.Equal(t, http.StatusUnauthorized, out.StatusCode, path)
		require.NotContains(t, body, "2026", path)
	}
	without := serveWith(t, (*recording.Library)(nil))
	b := without.signedIn(t)
	for _, path := range []string{"/camera/home.door/recordings", question("clip.mp4", noon(), noon())} {
		out, _ := answer(t, b, without.get(t, path))
		require.Equal(t, http.StatusNotFound, out.StatusCode, "there are none")
	}
	_, body := answer(t, b, without.get(t, "/camera/home.door"))
	require.NotContains(t, body, "ecordings")
}

// large is video of some thirty megabytes, more than connections hold.
func large(begin time.Time) film {
	f := film{camera: "home.door", begin: begin, again: 9}
	f.args = append(mediatest.Scene("640x360", "25", "2", false), "-vf", "noise=alls=100:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", "-g", "25")
	return f
}

func TestClipsAreLimited(t *testing.T) {
	library, _ := recordings(t, door(noon(), "160x120", "2"))
	s := serveWith(t, library)
	s.page.clipWait = time.Millisecond
	b := s.signedIn(t)
	path := question("clip.mp4", noon(), noon().Add(time.Minute))
	for range mostClips {
		s.page.clips <- struct{}{}
	}
	out, body := answer(t, b, s.get(t, path))
	require.Equal(t, http.StatusServiceUnavailable, out.StatusCode)
	require.NotEmpty(t, out.Header.Get("Retry-After"))
	require.Contains(t, body, "try again")

	s.page.clipWait = time.Minute
	var waiting sync.WaitGroup
	waiting.Go(func() { <-s.page.clips })
	out, _ = answer(t, b, s.get(t, path))
	require.Equal(t, http.StatusOK, out.StatusCode, "who waits gets a turn")
	waiting.Wait()
}

func TestAClipEndsWithItsSession(t *testing.T) {
	library, _ := recordings(t, large(noon()))
	s := serveWith(t, library)
	b := s.signedIn(t)
	out, err := b.Do(s.get(t, question("clip.mp4", noon(), noon().Add(time.Minute))))
	require.NoError(t, err)
	defer out.Body.Close()
	require.Greater(t, out.ContentLength, int64(25<<20))
	_, err = io.ReadFull(out.Body, make([]byte, 1000))
	require.NoError(t, err)
	answer(t, b, s.post(t, "/logout", nil))
	_, err = io.Copy(io.Discard, out.Body)
	require.Error(t, err)
	require.Eventually(t, func() bool { return len(s.page.clips) == 0 }, patience, time.Millisecond, "and makes room")
}

// TestRecordingsThatCannotBeRead: a disk that fails or is gone is said, and
// no path of it to visitors.
func TestRecordingsThatCannotBeRead(t *testing.T) {
	library, dir := recordings(t, door(noon(), "320x180", "4"))
	s := serveWith(t, library)
	b := s.signedIn(t)
	path := question("clip.mp4", noon(), noon().Add(time.Minute))
	_, whole := answer(t, b, s.get(t, path))
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.mp4"))
	require.NoError(t, err)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	// Where the pictures are is remembered, but they are gone.
	require.NoError(t, os.WriteFile(files[0], data[:len(data)-1000], 0o600))
	out, err := b.Do(s.get(t, path))
	require.NoError(t, err)
	got, err := io.ReadAll(out.Body)
	out.Body.Close()
	if out.StatusCode == http.StatusOK {
		require.Error(t, err, "a file that is cut short is not taken for whole")
		require.True(t, bytes.HasPrefix([]byte(whole), got[:min(len(got), 1000)]))
	}
	require.NoError(t, os.WriteFile(files[0], []byte("no video"), 0o600))
	require.NoError(t, os.Remove(files[1]))
	said, body := answer(t, b, s.get(t, path))
	require.Equal(t, http.StatusInternalServerError, said.StatusCode)
	require.NotContains(t, body, dir)
	require.Contains(t, s.log.String(), "cannot be read")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "home.door")))
	said, body = answer(t, b, s.get(t, path))
	require.Equal(t, http.StatusNotFound, said.StatusCode)
	require.Contains(t, body, "not on the disk any more")
}
