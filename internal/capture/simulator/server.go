package simulator

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

const (
	streamPath  = "stream"
	payloadType = 96
)

// server is the RTSP side of a camera between two deaths.
type server struct {
	cfg   Config
	rtsp  *gortsplib.Server
	track *description.Media // of video
	sound *description.Media // nil when there is none
	addr  string

	ready  sync.RWMutex // held until stream is there
	stream *gortsplib.ServerStream
}

func listen(ctx context.Context, addr string, cfg Config, c *clip) (*server, error) {
	s := &server{cfg: cfg}
	s.ready.Lock()
	defer s.ready.Unlock()
	s.rtsp = &gortsplib.Server{
		Handler:     s,
		RTSPAddress: addr,
		// Room for a large keyframe's packets.
		WriteQueueSize: 4096,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
			if err == nil {
				s.addr = l.Addr().String()
			}
			return l, err
		},
	}
	if err := s.rtsp.Start(); err != nil {
		return nil, fmt.Errorf("camera simulator cannot listen on %s: %w; is the port in use?", addr, err)
	}
	medias := s.describe(c)
	s.stream = &gortsplib.ServerStream{Server: s.rtsp, Desc: &description.Session{Medias: medias}}
	if err := s.stream.Initialize(); err != nil {
		s.rtsp.Close()
		return nil, fmt.Errorf("camera simulator: %w", err)
	}
	return s, nil
}

// describe says what the camera offers: with its sound also the metadata of
// ONVIF, as many cameras do.
func (s *server) describe(c *clip) []*description.Media {
	var video format.Format = &format.H264{PayloadTyp: payloadType, PacketizationMode: 1, SPS: c.sps, PPS: c.pps}
	if s.cfg.H265 {
		video = &format.H265{PayloadTyp: payloadType, VPS: c.vps, SPS: c.sps, PPS: c.pps}
	}
	s.track = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{video}}
	if s.cfg.Sound == NoSound {
		return []*description.Media{s.track}
	}
	s.sound = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{c.sound.format}}
	metadata := &description.Media{Type: description.MediaTypeApplication, Formats: []format.Format{
		&format.Generic{PayloadTyp: payloadType + 2, RTPMa: "vnd.onvif.metadata/90000", ClockRat: 90000},
	}}
	return []*description.Media{metadata, s.sound, s.track}
}

func (s *server) address() string { return s.addr }

func (s *server) write(track *description.Media, p *rtp.Packet, at time.Time) error {
	return s.stream.WritePacketRTPWithNTP(track, p, at)
}

func (s *server) close() {
	s.stream.Close()
	s.rtsp.Close()
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (s *server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (s *server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.admit(ctx.Conn, ctx.Request, ctx.Path)
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (s *server) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// admit checks user, password and path.
func (s *server) admit(conn *gortsplib.ServerConn, req *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if s.cfg.User != "" && !conn.VerifyCredentials(req, s.cfg.User, s.cfg.Password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	if strings.Trim(path, "/") != streamPath {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	s.ready.RLock()
	defer s.ready.RUnlock()
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}
