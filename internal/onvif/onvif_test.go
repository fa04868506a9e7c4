package onvif

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/logtest"
	"porchlight/internal/onvif/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// porch is the settings of a camera with a main and a sub stream.
func porch() simulator.Config {
	return simulator.Config{
		Name: "Front door", Location: "porch", Manufacturer: "Acme", Model: "Eye 4", Firmware: "1.2.3", Serial: "S1",
		User: "admin", Password: "s3cret & <more>", Speaker: true,
		Profiles: []simulator.Profile{
			{Token: "main", Name: "mainStream", Source: "lens", Codec: "H264", Width: 2560, Height: 1440, FPS: 25, Kbps: 4096, Audio: "AAC", PTZ: true, Stream: "rtsp://127.0.0.1:554/main?channel=1"},
			{Token: "sub", Name: "subStream", Source: "lens", Codec: "H264", Width: 640, Height: 360, FPS: 15, Kbps: 512, Stream: "rtsp://127.0.0.1:554/sub"},
		},
		Log: discard(),
	}
}

func start(t *testing.T, cfg simulator.Config) *simulator.Camera {
	t.Helper()
	cam, err := simulator.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(cam.Close)
	return cam
}

// signIn connects to a simulated camera as it wants.
func signIn(t *testing.T, cam *simulator.Camera, cfg simulator.Config) *Device {
	t.Helper()
	d, err := Connect(t.Context(), Config{Address: cam.Host(), User: cfg.User, Password: cfg.Password, Timeout: patience, Log: discard()})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func TestDescribe(t *testing.T) {
	for name, change := range map[string]func(*simulator.Config){
		"as most":             func(*simulator.Config) {},
		"second service":      func(c *simulator.Config) { c.Media2 = true },
		"old services":        func(c *simulator.Config) { c.OldServices = true },
		"HTTP Digest":         func(c *simulator.Config) { c.HTTPDigest = true },
		"open":                func(c *simulator.Config) { c.User = "" },
		"another host's name": func(c *simulator.Config) { c.Host = "192.0.2.77" },
		"clock a year behind": func(c *simulator.Config) { c.ClockAhead = -365 * 24 * time.Hour },
		"local time as UTC":   func(c *simulator.Config) { c.TellsClock = 10 * time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := porch()
			change(&cfg)
			cam := start(t, cfg)
			s, err := signIn(t, cam, cfg).Describe(t.Context())
			require.NoError(t, err)
			require.InDelta(t, (cfg.ClockAhead + cfg.TellsClock).Seconds(), s.ClockAhead, 60)
			require.Equal(t, cam.Address(), s.Address)
			require.Equal(t, []string{"Front door", "porch"}, []string{s.Name, s.Location})
			require.Equal(t, Info{"Acme", "Eye 4", "1.2.3", "S1"}, s.Info)
			require.True(t, s.PTZ)
			require.True(t, s.Events)
			require.True(t, s.Backchannel)
			require.Len(t, s.Profiles, 2)
			main := s.Profiles[0]
			require.Equal(t, "rtsp://127.0.0.1:554/main?channel=1", main.Stream.SignedOut())
			main.Stream = StreamAddress{}
			require.Equal(t, Profile{
				Token: "main", Name: "mainStream", Source: "lens", Codec: "h264", Width: 2560, Height: 1440, FPS: 25, Kbps: 4096, Audio: "aac", PTZ: true,
			}, main)
			require.False(t, s.Profiles[1].PTZ)
		})
	}
}

func TestOnlyTheSecondServiceKnowsH265(t *testing.T) {
	cfg := porch()
	cfg.Media2, cfg.Profiles[0].Codec = true, "H265"
	s, err := signIn(t, start(t, cfg), cfg).Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, "h265", s.Profiles[0].Codec)
}

func TestStreamsStayOnTheCamera(t *testing.T) {
	cfg := porch()
	cfg.Profiles[0].Stream = "rtsp://admin:old@192.0.2.9:8554/main?user=admin&password=old"
	cfg.Profiles[1].Stream = "rtsp://evil.example/sub"
	cam := start(t, cfg)
	profiles, err := signIn(t, cam, cfg).Profiles(t.Context())
	require.NoError(t, err)
	require.Equal(t, "rtsp://u:p%40@127.0.0.1:8554/main?user=admin&password=old", profiles[0].Stream.SignedIn("u", "p@"))
	require.Equal(t, "rtsp://***@127.0.0.1:8554/main?user=***&password=***", profiles[0].Stream.String())
	text, err := profiles[0].Stream.MarshalText()
	require.NoError(t, err)
	require.NotContains(t, string(text), "old")
	require.Equal(t, "rtsp://127.0.0.1/sub", profiles[1].Stream.SignedOut())
}

func TestWrongPassword(t *testing.T) {
	for name, digest := range map[string]bool{"UsernameToken": false, "HTTP Digest": true} {
		t.Run(name, func(t *testing.T) {
			cfg := porch()
			cfg.HTTPDigest = digest
			cam := start(t, cfg)
			_, err := Connect(t.Context(), Config{Address: cam.Host(), User: "admin", Password: "wr0ng", Timeout: patience, Log: discard()})
			require.ErrorIs(t, err, ErrUnauthorized)
			require.ErrorContains(t, err, "ONVIF user")
			require.NotContains(t, err.Error(), "wr0ng")
			_, err = Connect(t.Context(), Config{Address: cam.Host(), Timeout: patience, Log: discard()})
			require.ErrorIs(t, err, ErrUnauthorized)
			require.ErrorContains(t, err, "wants a user name and password")
		})
	}
}

func TestBrokenAnswers(t *testing.T) {
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	inBody := func(s string) string { return "<Envelope><Body>" + s + "</Body></Envelope>" }
	for name, body := range map[string]string{
		"nothing":           "",
		"a web page":        "<html><body>Sign in</body></html>",
		"no XML":            "\x00\x01\x02",
		"cut off":           "<Envelope><Body><GetDeviceInformationResponse>",
		"another answer":    inBody("<GetUsersResponse/>"),
		"entities":          `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>` + inBody("<GetDeviceInformationResponse><Model>&b;</Model></GetDeviceInformationResponse>"),
		"unknown entity":    inBody("<GetDeviceInformationResponse><Model>&b;</Model></GetDeviceInformationResponse>"),
		"deep":              inBody(deep),
		"deep in the reply": inBody("<GetDeviceInformationResponse>" + deep + "</GetDeviceInformationResponse>"),
		"wide":              inBody("<GetDeviceInformationResponse>" + strings.Repeat("<a/>", 30_000) + "</GetDeviceInformationResponse>"),
		"long":              inBody("<GetDeviceInformationResponse><Model>" + strings.Repeat("x", 2<<20) + "</Model></GetDeviceInformationResponse>"),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := porch()
			cfg.Answer = func(operation string, good []byte) []byte {
				if operation == "GetDeviceInformation" {
					return []byte(body)
				}
				return good
			}
			cam := start(t, cfg)
			_, err := Connect(t.Context(), Config{Address: cam.Host(), User: cfg.User, Password: cfg.Password, Timeout: patience, Log: discard()})
			require.ErrorIs(t, err, ErrBroken)
			require.ErrorContains(t, err, "check that this is its ONVIF port")
			require.Less(t, len(err.Error()), 600)
		})
	}
}

func TestOneBrokenProfileCostsNoOther(t *testing.T) {
	log := &logtest.Memory{}
	cfg := porch()
	cfg.Profiles[0].Stream = "http://127.0.0.1/mjpeg"
	cam := start(t, cfg)
	d, err := Connect(t.Context(), Config{Address: cam.Host(), User: cfg.User, Password: cfg.Password, Timeout: patience, Log: log.Logger()})
	require.NoError(t, err)
	defer d.Close()
	profiles, err := d.Profiles(t.Context())
	require.NoError(t, err)
	require.Len(t, profiles, 1)
	require.Contains(t, log.String(), "neither rtsp:// nor rtsps://")

	cfg.Profiles = cfg.Profiles[:1]
	_, err = signIn(t, start(t, cfg), cfg).Profiles(t.Context())
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "offers no video stream")
}

func TestTextsOfACameraAreTamed(t *testing.T) {
	cfg := porch()
	cfg.Model = "Eye\n\x1b"
	cfg.Answer = func(operation string, good []byte) []byte {
		if operation == "GetDeviceInformation" {
			return []byte(strings.ReplaceAll(string(good), "<tds:Model>", "<tds:Model>"+strings.Repeat("long ", 100)+"&#x9b;31m"))
		}
		return good
	}
	d := signIn(t, start(t, cfg), cfg)
	require.LessOrEqual(t, len([]rune(d.Info().Model)), maxText+1)
	require.Equal(t, "a b", clean("a\r\n\x1b\u202eb"))
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := l.Addr().String()
	l.Close()
	_, err = Connect(t.Context(), Config{Address: host, Timeout: patience, Log: discard()})
	require.ErrorIs(t, err, ErrUnreachable)
	require.ErrorContains(t, err, "check that it is switched on")

	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	_, err = Connect(t.Context(), Config{Address: web.Listener.Addr().String(), Timeout: patience, Log: discard()})
	require.ErrorIs(t, err, ErrBroken)
	require.ErrorContains(t, err, "404")

	moved := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect))
	defer moved.Close()
	_, err = Connect(t.Context(), Config{Address: moved.URL, Timeout: patience, Log: discard()})
	require.ErrorIs(t, err, ErrBroken, "nobody is followed elsewhere")
	require.ErrorContains(t, err, "307")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Connect(ctx, Config{Address: host, Timeout: patience, Log: discard()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheUsualPorts(t *testing.T) {
	cfg := porch()
	cam := start(t, cfg)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer web.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed.Close()
	var hosts []*url.URL
	for _, host := range []string{closed.Addr().String(), web.Listener.Addr().String(), cam.Host()} {
		hosts = append(hosts, &url.URL{Scheme: "http", Host: host, Path: devicePath})
	}
	config := Config{User: cfg.User, Password: cfg.Password, Timeout: patience, Log: discard(), now: time.Now}
	d, err := connectAny(t.Context(), config, hosts)
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, cam.Address(), d.Address())
	_, err = connectAny(t.Context(), config, hosts[:2])
	require.ErrorIs(t, err, ErrUnauthorized)
	_, err = connectAny(t.Context(), config, hosts[:1])
	require.ErrorIs(t, err, ErrUnreachable)
	require.ErrorContains(t, err, "give its ONVIF port")
}

func TestSilentCamera(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = Connect(t.Context(), Config{Address: l.Addr().String(), Timeout: 50 * time.Millisecond, Log: discard()})
	require.ErrorIs(t, err, ErrUnreachable)
	require.Regexp(t, "does not answer in 50ms|timeout", err.Error())
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1:8000":           "http://192.0.2.1:8000/onvif/device_service",
		"door.local:80":            "http://door.local:80/onvif/device_service",
		"[fd00::1]:80":             "http://[fd00::1]:80/onvif/device_service",
		"http://192.0.2.1":         "http://192.0.2.1/onvif/device_service",
		"https://192.0.2.1:8443/x": "https://192.0.2.1:8443/x",
	} {
		list, err := ParseAddress(text)
		require.NoError(t, err, text)
		require.Len(t, list, 1)
		require.Equal(t, want, list[0].String())
	}
	list, err := ParseAddress("192.0.2.1")
	require.NoError(t, err)
	require.Len(t, list, len(usualPorts()))
	require.Equal(t, "http://192.0.2.1:80/onvif/device_service", list[0].String())
	list, err = ParseAddress("fd00::1")
	require.NoError(t, err)
	require.Equal(t, "[fd00::1]:80", list[0].Host)
	for _, text := range []string{"", ":80", "a:0", "a:x", "a:70000", "a/b", "rtsp://a", "http://", "http://u:hunter2@a", "u:hunter2@a:80", "a b"} {
		_, err := ParseAddress(text)
		require.ErrorIs(t, err, ErrAddress, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
