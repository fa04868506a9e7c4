package capture

import (
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/stretchr/testify/require"
)

// silent is an RTSP server that describes a stream and never sends any of it.
type silent struct{ stream *gortsplib.ServerStream }

func (s *silent) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *silent) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *silent) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// serveSilent returns the URL of a stream with one track.
func serveSilent(t *testing.T, f format.Format) string {
	t.Helper()
	handler := &silent{}
	var addr string
	server := &gortsplib.Server{Handler: handler, RTSPAddress: "127.0.0.1:0", Listen: func(network, address string) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
		if err == nil {
			addr = l.Addr().String()
		}
		return l, err
	}}
	require.NoError(t, server.Start())
	handler.stream = &gortsplib.ServerStream{Server: server, Desc: &description.Session{
		Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{f}}},
	}}
	require.NoError(t, handler.stream.Initialize())
	t.Cleanup(func() { handler.stream.Close(); server.Close() })
	return "rtsp://" + addr + "/x"
}

func TestOtherCodec(t *testing.T) {
	r := start(t, Config{URL: serveSilent(t, &format.MJPEG{})})
	message := r.state("failed")
	require.Contains(t, message, ErrNoVideoTrack.Error())
	require.Contains(t, message, "it offers JPEG")
}

func TestCameraThatSendsNothing(t *testing.T) {
	url := serveSilent(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1})
	r := start(t, Config{URL: url, Timeout: 300 * time.Millisecond})
	require.Contains(t, r.state("failed"), ErrStalled.Error())
	r.cancel()
	require.NoError(t, <-r.result)
}
