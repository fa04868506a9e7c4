package simulator

import (
	"fmt"
	"strings"
)

// device answers the operations of the device service.
func (c *Camera) device(name string) (string, bool) {
	switch name {
	case "GetSystemDateAndTime":
		t := c.now().Add(c.cfg.TellsClock).UTC()
		return fmt.Sprintf(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>`+
			`<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>`+
			`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
			`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:UTCDateTime>`+
			`</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`, t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day()), true
	case "GetDeviceInformation":
		return fmt.Sprintf(`<tds:GetDeviceInformationResponse><tds:Manufacturer>%s</tds:Manufacturer><tds:Model>%s</tds:Model>`+
			`<tds:FirmwareVersion>%s</tds:FirmwareVersion><tds:SerialNumber>%s</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId>`+
			`</tds:GetDeviceInformationResponse>`, escape(c.cfg.Manufacturer), escape(c.cfg.Model), escape(c.cfg.Firmware), escape(c.cfg.Serial)), true
	case "GetServices":
		return c.services(), !c.cfg.OldServices
	case "GetCapabilities":
		return fmt.Sprintf(`<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events><tt:XAddr>%s</tt:XAddr></tt:Events>`+
			`<tt:Media><tt:XAddr>%s</tt:XAddr></tt:Media><tt:PTZ><tt:XAddr>%s</tt:XAddr></tt:PTZ></tds:Capabilities>`+
			`</tds:GetCapabilitiesResponse>`, escape(c.service(eventsPath)), escape(c.service(mediaPath)), escape(c.service(ptzPath))), true
	case "GetScopes":
		var out strings.Builder
		for _, s := range c.scopes() {
			fmt.Fprintf(&out, `<tds:Scopes><tt:ScopeDef>Configurable</tt:ScopeDef><tt:ScopeItem>%s</tt:ScopeItem></tds:Scopes>`, escape(s))
		}
		return `<tds:GetScopesResponse>` + out.String() + `</tds:GetScopesResponse>`, true
	}
	return "", false
}

func (c *Camera) services() string {
	list := [][2]string{
		{"http://www.onvif.org/ver10/device/wsdl", devicePath}, {"http://www.onvif.org/ver10/media/wsdl", mediaPath},
		{"http://www.onvif.org/ver20/ptz/wsdl", ptzPath}, {"http://www.onvif.org/ver10/events/wsdl", eventsPath},
	}
	if c.cfg.Media2 {
		list = append(list, [2]string{"http://www.onvif.org/ver20/media/wsdl", media2Path})
	}
	var out strings.Builder
	for _, s := range list {
		fmt.Fprintf(&out, `<tds:Service><tds:Namespace>%s</tds:Namespace><tds:XAddr>%s</tds:XAddr><tds:Version><tt:Major>2</tt:Major>`+
			`<tt:Minor>60</tt:Minor></tds:Version></tds:Service>`, s[0], escape(c.service(s[1])))
	}
	return `<tds:GetServicesResponse>` + out.String() + `</tds:GetServicesResponse>`
}

// media answers the operations of the media services.
func (c *Camera) media(op operation, second bool) (string, bool) {
	name, prefix := op.XMLName.Local, "trt:"
	if second {
		prefix = "tr2:"
	}
	wrap := func(body string) string {
		return "<" + prefix + name + "Response>" + body + "</" + prefix + name + "Response>"
	}
	switch {
	case name == "GetProfiles" && second:
		return wrap(c.profiles2(op.Type)), true
	case name == "GetProfiles":
		return wrap(c.profiles1()), true
	case name == "GetAudioOutputs" && !second:
		if c.cfg.Speaker {
			return wrap(`<trt:AudioOutputs token="speaker"/>`), true
		}
		return wrap(""), true
	case name == "GetStreamUri":
		for _, p := range c.cfg.Profiles {
			if p.Token == op.ProfileToken && second {
				return wrap("<tr2:Uri>" + escape(p.Stream) + "</tr2:Uri>"), true
			} else if p.Token == op.ProfileToken {
				return wrap("<trt:MediaUri><tt:Uri>" + escape(p.Stream) + "</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>" +
					"<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"), true
			}
		}
	case name == "SetSynchronizationPoint":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keyframes = append(c.keyframes, op.ProfileToken)
		return wrap(""), true
	}
	return "", false
}

func (c *Camera) profiles1() string {
	var out strings.Builder
	for _, p := range c.cfg.Profiles {
		codec := p.Codec
		if codec == "H265" {
			codec = "H264" // the first media service has no word for it
		}
		fmt.Fprintf(&out, `<trt:Profiles token="%s" fixed="true"><tt:Name>%s</tt:Name>`+
			`<tt:VideoSourceConfiguration token="s"><tt:Name>s</tt:Name><tt:SourceToken>%s</tt:SourceToken></tt:VideoSourceConfiguration>`,
			escape(p.Token), escape(p.Name), escape(p.Source))
		if p.Audio != "" {
			fmt.Fprintf(&out, `<tt:AudioEncoderConfiguration token="a"><tt:Encoding>%s</tt:Encoding></tt:AudioEncoderConfiguration>`, escape(p.Audio))
		}
		fmt.Fprintf(&out, `<tt:VideoEncoderConfiguration token="v"><tt:Name>v</tt:Name><tt:Encoding>%s</tt:Encoding><tt:Resolution><tt:Width>%d</tt:Width>`+
			`<tt:Height>%d</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>%d</tt:FrameRateLimit>`+
			`<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>%d</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration>`,
			escape(codec), p.Width, p.Height, p.FPS, p.Kbps)
		if p.PTZ {
			out.WriteString(`<tt:PTZConfiguration token="p"><tt:NodeToken>n</tt:NodeToken></tt:PTZConfiguration>`)
		}
		out.WriteString(`</trt:Profiles>`)
	}
	return out.String()
}

// profiles2 has what the profiles hold only when all of it is asked for.
func (c *Camera) profiles2(what string) string {
	var out strings.Builder
	for _, p := range c.cfg.Profiles {
		fmt.Fprintf(&out, `<tr2:Profiles token="%s" fixed="true"><tr2:Name>%s</tr2:Name>`, escape(p.Token), escape(p.Name))
		if what == "All" {
			fmt.Fprintf(&out, `<tr2:Configurations><tr2:VideoSource token="s"><tt:SourceToken>%s</tt:SourceToken></tr2:VideoSource>`+
				`<tr2:VideoEncoder token="v" GovLength="50"><tt:Encoding>%s</tt:Encoding><tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height>`+
				`</tt:Resolution><tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>%d.0</tt:FrameRateLimit><tt:BitrateLimit>%d</tt:BitrateLimit>`+
				`</tt:RateControl><tt:Quality>4.0</tt:Quality></tr2:VideoEncoder>`, escape(p.Source), escape(p.Codec), p.Width, p.Height, p.FPS, p.Kbps)
			if p.Audio != "" {
				fmt.Fprintf(&out, `<tr2:AudioEncoder token="a"><tt:Encoding>%s</tt:Encoding></tr2:AudioEncoder>`, escape(p.Audio))
			}
			if p.PTZ {
				out.WriteString(`<tr2:PTZ token="p"/>`)
			}
			out.WriteString(`</tr2:Configurations>`)
		}
		out.WriteString(`</tr2:Profiles>`)
	}
	return out.String()
}
