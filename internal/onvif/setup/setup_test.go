package setup

import (
	"bytes"
	"image/jpeg"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	camera "porchlight/internal/capture/simulator"
	"porchlight/internal/onvif"
	"porchlight/internal/onvif/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// described asks a simulated camera for its description.
func described(t *testing.T, cfg simulator.Config) *onvif.Description {
	t.Helper()
	cfg.Log = discard()
	cam, err := simulator.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(cam.Close)
	d, err := onvif.Connect(t.Context(), onvif.Config{Address: cam.Host(), Timeout: patience, Log: discard()})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	description, err := d.Describe(t.Context())
	require.NoError(t, err)
	return description
}

func profile(token, source, codec string, width, height int) simulator.Profile {
	return simulator.Profile{Token: token, Name: token, Source: source, Codec: codec, Width: width, Height: height, Stream: "rtsp://127.0.0.1/" + token}
}

func TestWhichStreams(t *testing.T) {
	for name, c := range map[string]struct {
		profiles       []simulator.Profile
		source, record string
	}{
		"main and sub":      {[]simulator.Profile{profile("main", "", "H264", 1920, 1080), profile("sub", "", "H264", 640, 360)}, "sub", "main"},
		"the sub is enough": {[]simulator.Profile{profile("tiny", "", "H264", 320, 180), profile("sub", "", "H264", 704, 576), profile("main", "", "H264", 2560, 1440)}, "sub", "main"},
		"all subs tiny":     {[]simulator.Profile{profile("tiny", "", "H264", 320, 180), profile("main", "", "H264", 1920, 1080)}, "main", ""},
		"only one":          {[]simulator.Profile{profile("main", "", "H264", 640, 480)}, "main", ""},
		"main H.265":        {[]simulator.Profile{profile("main", "", "H265", 3840, 2160), profile("sub", "", "H264", 352, 288)}, "sub", "main"},
		"all H.265":         {[]simulator.Profile{profile("main", "", "H265", 3840, 2160), profile("sub", "", "H265", 640, 360)}, "sub", "main"},
		"with JPEG":         {[]simulator.Profile{profile("jpeg", "", "JPEG", 3840, 2160), profile("sub", "", "H264", 640, 360)}, "sub", ""},
		"sizes not told":    {[]simulator.Profile{profile("one", "", "H264", 0, 0)}, "one", ""},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Propose(described(t, simulator.Config{Media2: true, Profiles: c.profiles}), &File{})
			require.NoError(t, err)
			require.Len(t, list, 1)
			streams := list[0].Streams()
			require.Equal(t, c.source, streams[0].Profile.Token)
			if c.record == "" {
				require.Len(t, streams, 1)
				return
			}
			require.Equal(t, c.record, streams[1].Profile.Token)
		})
	}
	_, err := Propose(described(t, simulator.Config{Profiles: []simulator.Profile{profile("jpeg", "", "JPEG", 640, 480)}}), &File{})
	require.ErrorIs(t, err, ErrNoStream)
}

func TestARecorderIsManyCameras(t *testing.T) {
	d := described(t, simulator.Config{Name: "Garage", Profiles: []simulator.Profile{
		profile("1m", "one", "H264", 1920, 1080), profile("1s", "one", "H264", 640, 360), profile("2m", "two", "H264", 1920, 1080),
	}})
	list, err := Propose(d, &File{})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []string{"garage-1", "garage-2"}, []string{list[0].Name, list[1].Name})
	require.Len(t, list[0].Streams(), 2)
	require.Len(t, list[1].Streams(), 1)
}

func TestNames(t *testing.T) {
	for want, d := range map[string]onvif.Description{
		"front-door":  {Name: "Front  Door!", Location: "street"},
		"haustuer":    {Name: "Haustür"},
		"porch":       {Name: "IPC", Location: "Porch", Info: onvif.Info{Manufacturer: "Acme", Model: "E4"}},
		"e4":          {Name: "Acme E4", Location: "China", Info: onvif.Info{Manufacturer: "Acme", Model: "E4"}},
		"ds-2cd2042":  {Name: "ACME", Info: onvif.Info{Manufacturer: "Acme", Model: "DS-2CD2042"}},
		"camera":      {Name: "門口"},
		"x-y":         {Name: strings.Repeat("/", 10) + "x../../y"},
		"a-aaaaaaaaa": {Name: "a aaaaaaaaa"},
	} {
		require.Equal(t, want, nameOf(&d))
	}
	require.LessOrEqual(t, len(slug(strings.Repeat("a b", 100))), 40)
}

func TestNamesAreNewToTheFile(t *testing.T) {
	f, err := ParseFile([]byte("cameras:\n  garage: {source: \"rtsp://u:p@127.0.0.9:554/x\"}\n  door:\n    source: /dev/video0\n    record:\n      source: rtsp://u:other@127.0.0.1:554/main\n"))
	require.NoError(t, err)
	d := described(t, simulator.Config{Name: "Garage", Profiles: []simulator.Profile{profile("new", "", "H264", 640, 360)}})
	list, err := Propose(d, f)
	require.NoError(t, err)
	require.Equal(t, []any{"garage-2", false}, []any{list[0].Name, list[0].Known})
	again, err := Propose(d, f)
	require.NoError(t, err)
	require.Equal(t, []any{"garage-2", true}, []any{again[0].Name, again[0].Known}, "found twice")
	list, err = Propose(described(t, simulator.Config{Name: "Garage", Profiles: []simulator.Profile{profile("main", "", "H264", 640, 360)}}), f)
	require.NoError(t, err)
	require.Equal(t, []any{"door", true}, []any{list[0].Name, list[0].Known}, "by its stream")
}

func TestProve(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: make deps installs it")
	}
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=2", clip).CombinedOutput()
	require.NoError(t, err, "%s", out)
	cam, err := camera.New(t.Context(), camera.Config{File: clip, User: "admin", Password: "s3cret", Log: discard()})
	require.NoError(t, err)
	defer cam.Close()

	picture, err := Prove(t.Context(), "door", cam.URL(), 2*patience, discard())
	require.NoError(t, err)
	require.Equal(t, []int{320, 240}, []int{picture.Width, picture.Height})
	shown, err := jpeg.Decode(bytes.NewReader(picture.JPEG))
	require.NoError(t, err)
	require.Equal(t, 320, shown.Bounds().Dx())

	_, err = Prove(t.Context(), "door", strings.Replace(cam.URL(), "s3cret", "wr0ng", 1), 2*patience, discard())
	require.ErrorIs(t, err, ErrNoPicture)
	require.ErrorContains(t, err, "refuses the user name or password")
	require.NotContains(t, err.Error(), "wr0ng")

	_, err = Prove(t.Context(), "door", "rtsp://", patience, discard())
	require.ErrorIs(t, err, ErrNoPicture)
	require.ErrorContains(t, err, "configured wrongly")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	_, err = Prove(t.Context(), "door", "rtsp://"+silent.Addr().String()+"/x", 300*time.Millisecond, discard())
	require.ErrorIs(t, err, ErrNoPicture)
}
