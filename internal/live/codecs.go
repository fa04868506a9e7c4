package live

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"

	"porchlight/internal/media"
)

// Header extensions that viewers may understand.
const (
	// playoutDelayURI: how long a viewer buffers
	// (https://webrtc.googlesource.com/src/+/main/docs/native-code/rtp-hdrext/playout-delay).
	playoutDelayURI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	// transportCCURI: packets numbered for feedback on when each arrived
	// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
	transportCCURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// h264Profiles are the profile-level-ids answered to, best first. Only the
// profile counts, not the level (RFC 6184, 8.2.2 with level asymmetry).
// Whatever is agreed on, the camera's own profile is sent: decoders that
// announce constrained baseline decode main and high as well.
func h264Profiles() []string {
	return []string{"640c1f", "640032", "4d001f", "4d401f", "42e01f", "42c01f", "42001f"}
}

// mediaEngine registers what can be sent. Payload types are only defaults:
// an answer uses those of the offer.
func mediaEngine() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{
		{Type: "goog-remb"}, {Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"},
		{Type: "nack"}, {Type: "nack", Parameter: "pli"},
	}
	video := func(mime, fmtp string, payload webrtc.PayloadType) error {
		return m.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mime, ClockRate: media.H264ClockRate, SDPFmtpLine: fmtp, RTCPFeedback: feedback,
			},
			PayloadType: payload,
		}, webrtc.RTPCodecTypeVideo)
	}
	payload := webrtc.PayloadType(96)
	for _, profile := range h264Profiles() {
		fmtp := "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profile
		if err := video(webrtc.MimeTypeH264, fmtp, payload); err != nil {
			return nil, err
		}
		payload++
	}
	if err := video(webrtc.MimeTypeH265, "profile-id=1;tier-flag=0;tx-mode=SRST", payload); err != nil {
		return nil, err
	}
	for _, audio := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		}, PayloadType: 111},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}, PayloadType: 8},
	} {
		if err := m.RegisterCodec(audio, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	for _, uri := range []string{playoutDelayURI, transportCCURI} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// payloadTypes picks, for each codec of cameras, the payload type to send it
// under from those agreed on.
func payloadTypes(codecs []webrtc.RTPCodecParameters) map[media.Codec]uint8 {
	types := make(map[media.Codec]uint8)
	best := len(h264Profiles())
	for _, c := range codecs {
		switch {
		case strings.EqualFold(c.MimeType, webrtc.MimeTypeH265):
			if _, ok := types[media.H265]; !ok {
				types[media.H265] = uint8(c.PayloadType)
			}
		case strings.EqualFold(c.MimeType, webrtc.MimeTypeH264):
			if rank := h264Rank(c.SDPFmtpLine); rank < best {
				best, types[media.H264] = rank, uint8(c.PayloadType)
			}
		}
	}
	return types
}

// h264Rank is the place of a format among those that can be sent, as many as
// there are when it cannot.
func h264Rank(fmtp string) int {
	profiles := h264Profiles()
	if formatParameter(fmtp, "packetization-mode") != "1" {
		return len(profiles)
	}
	got, err := hex.DecodeString(formatParameter(fmtp, "profile-level-id"))
	if err != nil || len(got) < 2 {
		return len(profiles)
	}
	for i, p := range profiles {
		if strings.HasPrefix(p, hex.EncodeToString(got[:2])) {
			return i
		}
	}
	return len(profiles)
}

// formatParameter is one parameter of a format, empty when it is not given
// (RFC 8866, 6.15).
func formatParameter(fmtp, name string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// describe names a stream for people.
func describe(s *media.Stream) string {
	name := strings.ToUpper(strings.Replace(string(s.Codec), "h26", "h.26", 1))
	if s.Width > 0 {
		name += " of " + strconv.Itoa(s.Width) + "x" + strconv.Itoa(s.Height)
	}
	return name
}
