package live

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"porchlight/internal/media"
)

// refusalAttribute tells a viewer's software why its offer was turned down:
// the code of the fault, a blank and its text.
const refusalAttribute = "x-porchlight-refused"

// maxSections is how many media sections an offer may have.
const maxSections = 16

// offered is what matters of an offer.
type offered struct {
	session string // names the viewer's connection (RFC 8866, 5.2)
	video   map[media.Codec]bool
	other   string // video formats offered that cannot be used, for people
	audio   bool
}

// inspect reads an offer before anything is spent on it.
func inspect(text string) (offered, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return offered{}, faultf(CodeBadOffer, "the offer is not a session description")
	}
	if len(d.MediaDescriptions) > maxSections {
		return offered{}, faultf(CodeBadOffer, "the offer has %d media sections, the limit is %d", len(d.MediaDescriptions), maxSections)
	}
	o := offered{session: d.Origin.Username + " " + strconv.FormatUint(d.Origin.SessionID, 10), video: make(map[media.Codec]bool)}
	asked := false
	var other []string
	for _, m := range d.MediaDescriptions {
		if _, sends := m.Attribute("sendonly"); sends {
			continue
		}
		if _, idle := m.Attribute("inactive"); idle {
			continue
		}
		switch m.MediaName.Media {
		case "audio":
			o.audio = true
		case "video":
			asked = true
			other = append(other, o.codecs(m)...)
		}
	}
	if !asked {
		return o, faultf(CodeNoVideo, "the offer asks for no video; add a video transceiver that receives")
	}
	o.other = strings.Join(other, ", ")
	return o, nil
}

// codecs notes the codecs of a section that can be sent, and returns the
// names of the others.
func (o *offered) codecs(m *sdp.MediaDescription) (other []string) {
	formats := make(map[string]string)
	for _, a := range m.Attributes {
		if a.Key == "fmtp" {
			payload, parameters, _ := strings.Cut(a.Value, " ")
			formats[payload] = parameters
		}
	}
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		payload, name, _ := strings.Cut(a.Value, " ")
		name, _, _ = strings.Cut(name, "/")
		switch name = strings.ToUpper(name); {
		case name == "H264" && h264Rank(formats[payload]) < len(h264Profiles()):
			o.video[media.H264] = true
		case name == "H265":
			o.video[media.H265] = true
		case name != "RTX" && name != "RED" && name != "ULPFEC" && len(other) < maxSections:
			other = append(other, name)
		}
	}
	return other
}

// watchable says why none of the camera's streams can be shown to this viewer.
// A camera that is silent right now may yet send one that can.
func (o offered) watchable(main, sub glance) *Fault {
	carries := func(c media.Codec) bool { return o.video[c] }
	if len(o.video) == 0 {
		return faultf(CodeCodec, "the viewer takes no H.264 with packetization-mode 1 and no H.265, only %s", o.other)
	}
	subFault, mainFault := playable(sub, carries), playable(main, carries)
	if main.stream == nil && sub.stream == nil || main.stream != nil && mainFault == nil || sub.stream != nil && subFault == nil {
		return nil
	}
	if mainFault != nil {
		return mainFault
	}
	return subFault
}

// refusal is an answer that turns every section of an offer down
// (RFC 3264, section 6) and says why. Nothing will be listening behind its
// addresses and keys, but there are viewers that look for them before they
// look at the sections.
func refusal(offer string, f *Fault) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return "", err
	}
	answer, err := sdp.NewJSEPSessionDescription(false)
	if err != nil {
		return "", err
	}
	answer.WithValueAttribute(refusalAttribute, f.Code+" "+strings.Join(strings.Fields(f.Text), " "))
	for _, m := range d.MediaDescriptions[:min(len(d.MediaDescriptions), maxSections)] {
		answer.WithMedia(turnedDown(m))
	}
	out, err := answer.Marshal()
	return string(out), err
}

func turnedDown(m *sdp.MediaDescription) *sdp.MediaDescription {
	section := &sdp.MediaDescription{
		MediaName:             m.MediaName,
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}},
	}
	section.MediaName.Port = sdp.RangedPort{Value: 0}
	for _, a := range m.Attributes {
		switch a.Key {
		case "mid", "rtpmap", "fmtp", "rtcp-fb", "sctp-port", "rtcp-mux":
			section.Attributes = append(section.Attributes, a)
		}
	}
	fingerprint := "sha-256 " + strings.TrimSuffix(strings.Repeat("00:", 32), ":")
	return section.WithPropertyAttribute("inactive").WithValueAttribute("setup", "active").
		WithICECredentials("none", strings.Repeat("none", 6)).WithValueAttribute("fingerprint", fingerprint)
}
