package livetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"

	"porchlight/internal/kvs/signaling"
)

// mostVideo bounds what is kept of the video, in bytes.
const mostVideo = 16 << 20

// lateness is how many packets one may come too late.
const lateness = 512

// hear takes what comes through signaling.
func (v *Viewer) hear(ctx context.Context) {
	for {
		m, err := v.line.Receive(ctx)
		if err != nil {
			return
		}
		switch m.Kind {
		case signaling.Answer:
			var a webrtc.SessionDescription
			if json.Unmarshal(m.Payload, &a) == nil {
				v.answer(a)
			}
		case signaling.Candidate:
			var c webrtc.ICECandidateInit
			if json.Unmarshal(m.Payload, &c) == nil {
				v.candidate(c)
			}
		}
	}
}

// answer takes the first answer.
func (v *Viewer) answer(a webrtc.SessionDescription) {
	v.reached(func(p *Phases) *time.Duration { return &p.Answered })
	_, reason, refused := strings.Cut(a.SDP, "a=x-porchlight-refused:")
	v.mu.Lock()
	if refused {
		v.refusal, _, _ = strings.Cut(reason, "\r\n")
	}
	first, early := !v.answered && !refused, v.early
	v.answered, v.early = true, nil
	v.mu.Unlock()
	if !first || v.pc.SetRemoteDescription(a) != nil {
		return
	}
	for _, c := range early {
		_ = v.pc.AddICECandidate(c) // one that is of no use
	}
}

func (v *Viewer) candidate(c webrtc.ICECandidateInit) {
	v.mu.Lock()
	if !v.answered {
		v.early = append(v.early, c)
		v.mu.Unlock()
		return
	}
	v.mu.Unlock()
	_ = v.pc.AddICECandidate(c)
}

// read puts pictures together until the track ends.
func (v *Viewer) read(track *webrtc.TrackRemote) {
	pictures := samplebuilder.New(lateness, &codecs.H264Packet{}, track.Codec().ClockRate)
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		v.reached(func(p *Phases) *time.Duration { return &p.Packet })
		pictures.Push(p)
		for s := pictures.Pop(); s != nil; s = pictures.Pop() {
			v.picture(s.Data)
		}
	}
}

func (v *Viewer) picture(unit []byte) {
	if IsKey(unit) {
		v.reached(func(p *Phases) *time.Duration { return &p.Picture })
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pictures++
	if len(v.video)+len(unit) <= mostVideo {
		v.video = append(v.video, unit...)
	}
}

// IsKey tells whether an access unit in Annex B form begins anew: it has an IDR
// slice, and the parameter sets that go with it (ITU-T H.264, 7.4.1).
func IsKey(unit []byte) bool {
	var sps, pps, idr bool
	for _, nal := range bytes.Split(unit, []byte{0, 0, 1}) {
		if len(nal) > 0 {
			switch nal[0] & 0x1f {
			case 5:
				idr = true
			case 7:
				sps = true
			case 8:
				pps = true
			}
		}
	}
	return sps && pps && idr
}

// Phases says how far the viewer has come, and when.
func (v *Viewer) Phases() Phases {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.phases
}

// Pictures counts the access units that came.
func (v *Viewer) Pictures() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pictures
}

// Video is what came so far, in Annex B form, its first 16 MiB.
func (v *Viewer) Video() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return bytes.Clone(v.video)
}

// Refusal says why the camera lets the viewer not watch; empty: it has not said so.
func (v *Viewer) Refusal() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refusal
}

// Signaling says how its way to the camera is.
func (v *Viewer) Signaling() signaling.Stats { return v.line.Stats() }

// Ask sends a text on the data channel.
func (v *Viewer) Ask(ctx context.Context, text string) error {
	select {
	case <-v.opened:
		return v.data.SendText(text)
	case <-ctx.Done():
		return fmt.Errorf("the data channel does not open: %w", ctx.Err())
	}
}

// Told is the next text on the data channel that holds what.
func (v *Viewer) Told(ctx context.Context, what string) (string, error) {
	for {
		select {
		case text := <-v.texts:
			if strings.Contains(text, what) {
				return text, nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("nobody says %s: %w", what, ctx.Err())
		}
	}
}

// silent keeps the log of WebRTC away.
type silent struct{}

// NewLogger implements logging.LoggerFactory.
func (silent) NewLogger(string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, nil)
}
