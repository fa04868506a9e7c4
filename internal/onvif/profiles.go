package onvif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IOTechSystems/onvif/media"
	schema "github.com/IOTechSystems/onvif/xsd/onvif"
)

// Profile is one stream that a camera offers. What the camera does not say is
// zero.
type Profile struct {
	Token       string        `json:"token"`
	Name        string        `json:"name,omitempty"`
	Source      string        `json:"video_source,omitempty"` // the lens, or the channel of a recorder
	Codec       string        `json:"codec"`                  // h264, h265, jpeg, …
	Width       int           `json:"width"`                  // pixels
	Height      int           `json:"height"`
	FPS         float64       `json:"fps,omitempty"`
	Kbps        int           `json:"kbps,omitempty"`
	Audio       string        `json:"audio,omitempty"` // aac, g711, …
	PTZ         bool          `json:"ptz"`
	Backchannel bool          `json:"backchannel"`
	Stream      StreamAddress `json:"stream"`
}

// videoEncoder is how both media services describe video.
type videoEncoder struct {
	Encoding    string
	Resolution  struct{ Width, Height number }
	RateControl struct{ FrameRateLimit, BitrateLimit number }
}

// profiles1 is the answer of the media service, which knows no H.265.
// https://www.onvif.org/ver10/media/wsdl/media.wsdl.
type profiles1 struct {
	Profiles []struct {
		Token                     string `xml:"token,attr"`
		Name                      string
		VideoSourceConfiguration  struct{ SourceToken string }
		VideoEncoderConfiguration *videoEncoder
		AudioEncoderConfiguration struct{ Encoding string }
		PTZConfiguration          *struct{}
		Extension                 struct {
			AudioOutputConfiguration, AudioDecoderConfiguration *struct{}
		}
	}
}

func (p *profiles1) list() (list []Profile) {
	for _, p := range p.Profiles {
		list = appendProfile(list, Profile{
			Token: p.Token, Name: p.Name, Source: p.VideoSourceConfiguration.SourceToken, Audio: p.AudioEncoderConfiguration.Encoding,
			PTZ: p.PTZConfiguration != nil, Backchannel: p.Extension.AudioOutputConfiguration != nil && p.Extension.AudioDecoderConfiguration != nil,
		}, p.VideoEncoderConfiguration)
	}
	return list
}

// profiles2 is the answer of the second media service.
// https://www.onvif.org/ver20/media/wsdl/media.wsdl.
type profiles2 struct {
	Profiles []struct {
		Token          string `xml:"token,attr"`
		Name           string
		Configurations struct {
			VideoSource               struct{ SourceToken string }
			VideoEncoder              *videoEncoder
			AudioEncoder              struct{ Encoding string }
			PTZ                       *struct{}
			AudioOutput, AudioDecoder *struct{}
		}
	}
}

func (p *profiles2) list() (list []Profile) {
	for _, p := range p.Profiles {
		c := p.Configurations
		list = appendProfile(list, Profile{
			Token: p.Token, Name: p.Name, Source: c.VideoSource.SourceToken, Audio: c.AudioEncoder.Encoding,
			PTZ: c.PTZ != nil, Backchannel: c.AudioOutput != nil && c.AudioDecoder != nil,
		}, c.VideoEncoder)
	}
	return list
}

// appendProfile tidies one profile up; without video it is none.
func appendProfile(list []Profile, p Profile, v *videoEncoder) []Profile {
	if v == nil || !token(p.Token).usable() || len(list) == maxProfiles {
		return list
	}
	p.Name, p.Source, p.Audio = clean(p.Name), clean(p.Source), audioCodec(p.Audio)
	p.Codec = strings.ToLower(clean(v.Encoding))
	p.Width, p.Height = v.Resolution.Width.int(), v.Resolution.Height.int()
	p.FPS, p.Kbps = v.RateControl.FrameRateLimit.float(), v.RateControl.BitrateLimit.int()
	return append(list, p)
}

// audioCodec gives the codecs of both media services one name.
func audioCodec(text string) string {
	switch name := strings.ToLower(clean(text)); name {
	case "mp4a-latm", "mpeg4-generic":
		return "aac"
	case "pcmu", "pcma":
		return "g711"
	default:
		return name
	}
}

// getProfiles2 asks the second media service for profiles with all they hold;
// the library's own message leaves out what they hold.
type getProfiles2 struct {
	XMLName struct{} `xml:"tr2:GetProfiles"`
	Type    string   `xml:"tr2:Type"`
}

type getStreamURI2 struct {
	XMLName      struct{} `xml:"tr2:GetStreamUri"`
	Protocol     string   `xml:"tr2:Protocol"`
	ProfileToken string   `xml:"tr2:ProfileToken"`
}

// Profiles asks what the camera streams, and where. A stream without an
// address is left out and said in the log.
func (d *Device) Profiles(ctx context.Context) ([]Profile, error) {
	list, second, err := d.listProfiles(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for its profiles: %w", err)
	}
	var found []Profile
	for _, p := range list {
		uri, err := d.streamURI(ctx, p.Token, second)
		if err == nil {
			p.Stream, err = d.streamAddress(uri)
		}
		switch {
		case err == nil:
			found = append(found, p)
		case errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrUnreachable):
			return nil, fmt.Errorf("ask where profile %s is: %w", clean(p.Name), err)
		default:
			d.cfg.Log.Warn("profile of a camera left out: it has no address", "camera", d.address.Host, "profile", clean(p.Name), "error", err)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s offers no video stream; create a profile with H.264 video in its settings", ErrUnsupported, d.address.Host)
	}
	return found, nil
}

// listProfiles asks the second media service first: the first one cannot tell
// H.265.
func (d *Device) listProfiles(ctx context.Context) (list []Profile, second bool, err error) {
	if d.services.media2 != nil {
		var answer profiles2
		err = d.transport.call(ctx, request{
			service: d.services.media2, message: getProfiles2{Type: "All"}, want: "GetProfilesResponse", answer: &answer,
		})
		if list = answer.list(); err == nil && len(list) > 0 {
			return list, true, nil
		}
		if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrUnreachable) {
			return nil, false, err
		}
	}
	if d.services.media == nil {
		return nil, false, cmp.Or(err, fmt.Errorf("%w: %s names no media service", ErrUnsupported, d.address.Host))
	}
	var answer profiles1
	err = d.transport.call(ctx, request{
		service: d.services.media, message: media.GetProfiles{}, want: "GetProfilesResponse", answer: &answer,
	})
	return answer.list(), false, err
}

func (d *Device) streamURI(ctx context.Context, profile string, second bool) (string, error) {
	if second {
		var answer struct{ Uri string } //nolint:revive // ONVIF's spelling
		err := d.transport.call(ctx, request{
			service: d.services.media2, message: getStreamURI2{Protocol: "RTSP", ProfileToken: profile}, want: "GetStreamUriResponse", answer: &answer,
		})
		return answer.Uri, err
	}
	stream, protocol, name := schema.StreamType("RTP-Unicast"), schema.TransportProtocol("RTSP"), schema.ReferenceToken(profile)
	var answer struct {
		MediaUri struct{ Uri string } //nolint:revive // ONVIF's spelling
	}
	err := d.transport.call(ctx, request{
		service: d.services.media, want: "GetStreamUriResponse", answer: &answer,
		message: media.GetStreamUri{
			StreamSetup:  &schema.StreamSetup{Stream: &stream, Transport: &schema.Transport{Protocol: &protocol}},
			ProfileToken: &name,
		},
	})
	return answer.MediaUri.Uri, err
}
