package onvif

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/IOTechSystems/onvif/device"
	"github.com/stretchr/testify/require"
)

// seeds are answers of all kinds, good and bad.
func seeds(f *testing.F, add func([]byte)) {
	f.Helper()
	in := func(s string) []byte {
		return []byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>` + s + `</s:Body></s:Envelope>`)
	}
	for _, s := range []string{
		`<GetProfilesResponse><Profiles token="a"><Name>n</Name><VideoSourceConfiguration><SourceToken>s</SourceToken></VideoSourceConfiguration>` +
			`<VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>1e99</Width><Height>-4</Height></Resolution></VideoEncoderConfiguration></Profiles></GetProfilesResponse>`,
		`<GetProfilesResponse><Profiles token="a"><Configurations><VideoEncoder><Encoding>H265</Encoding></VideoEncoder><PTZ/></Configurations></Profiles></GetProfilesResponse>`,
		`<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>25</Hour></Time><Date><Year>2026</Year><Month>13</Month><Day>1</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`,
		`<GetServicesResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://[::1]:80/x</XAddr></Service></GetServicesResponse>`,
		`<GetDeviceInformationResponse><Manufacturer>a</Manufacturer></GetDeviceInformationResponse>`,
		`<GetStreamUriResponse><MediaUri><Uri>rtsp://u:p@h/x</Uri></MediaUri><Uri>rtsp://h</Uri></GetStreamUriResponse>`,
		`<GetScopesResponse><Scopes><ScopeItem>onvif://www.onvif.org/name/%41</ScopeItem></Scopes></GetScopesResponse>`,
		`<Fault><Code><Value>a</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>no</Text></Reason></Fault>`,
		`<Fault><faultcode>a</faultcode><faultstring>rtsp://u:p@h</faultstring></Fault>`,
		strings.Repeat("<a>", 60), `<!DOCTYPE a>`, `&b;`, `<a xmlns="" a="1" a="2"/>`,
	} {
		add(in(s))
	}
	add([]byte(`<?xml version="1.0" encoding="latin1"?><a/>`))
}

func FuzzDecode(f *testing.F) {
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, text []byte) {
		d := &Device{cfg: Config{Log: discard()}, address: &url.URL{Scheme: "http", Host: "192.0.2.1:8080"}}
		var (
			one   profiles1
			two   profiles2
			clock systemTime
			list  serviceList
			old   capabilities
			info  device.GetDeviceInformationResponse
			uri   struct{ Uri, MediaUri string } //nolint:revive // ONVIF's spelling
			head  relatesTo
		)
		for want, v := range map[string]any{
			"GetProfilesResponse": &one, "GetSystemDateAndTimeResponse": &clock, "GetServicesResponse": &list,
			"GetCapabilitiesResponse": &old, "GetDeviceInformationResponse": &info, "GetStreamUriResponse": &uri,
		} {
			if err := decode(bytes.NewReader(text), want, v); err != nil {
				_ = err.Error()
			}
		}
		_ = decode(bytes.NewReader(text), "GetProfilesResponse", &two)
		_ = decodeHeader(bytes.NewReader(text), &head)
		for _, p := range append(one.list(), two.list()...) {
			require.NotEmpty(t, p.Token)
			require.GreaterOrEqual(t, p.Width, 0)
			require.GreaterOrEqual(t, p.FPS, 0.0)
			_, err := json.Marshal(p)
			require.NoError(t, err)
		}
		_, _ = clock.time()
		for _, s := range list.Service {
			d.setService(s.Namespace, s.XAddr)
		}
		for _, u := range []*url.URL{d.services.media, d.services.media2, d.services.ptz, d.services.events} {
			require.True(t, u == nil || u.Hostname() == "192.0.2.1")
		}
		if a, err := d.streamAddress(uri.Uri); err == nil {
			require.Equal(t, "192.0.2.1", a.url.Hostname())
			require.NotContains(t, a.SignedOut(), "@192.0.2.1")
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	probes := []probe{{id: "8bb25b2e-65d3-4ad7-8ba4-0a0e6a8a1a4c"}}
	from := netip.MustParseAddr("192.0.2.5")
	f.Add(match(probes[0].id, "dn:NetworkVideoTransmitter", "onvif://www.onvif.org/name/a%20b", "http://192.0.2.5/x http://[fe80::1]/x"))
	f.Add(match(probes[0].id, "", "onvif://www.onvif.org/location/country/x", "https://h:1/x"))
	seeds(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseAnswer(text, from, probes)
		require.True(t, err == nil || len(found) == 0)
		for _, d := range found {
			u, err := url.Parse(d.Address)
			require.NoError(t, err)
			require.Equal(t, "192.0.2.5", u.Hostname())
			require.NotEmpty(t, d.Endpoint)
			for _, s := range []string{d.Endpoint, d.Name, d.Location, d.Hardware} {
				require.LessOrEqual(t, utf8.RuneCountInString(s), maxText+1)
				require.NotContains(t, s, "\n")
			}
		}
	})
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Digest realm="a", qop="auth,auth-int", nonce="b", opaque="c", algorithm=SHA-256`)
	f.Add(`digest realm="a\"b",nonce=b,algorithm=MD5-sess,qop=auth`)
	f.Add(`Basic realm="a"`)
	f.Fuzz(func(t *testing.T, header string) {
		if c := parseChallenge([]string{header, header}); c != nil {
			require.NotEmpty(t, c.nonce)
			require.NotContains(t, c.answer("u", "hunter2", "/x"), "hunter2")
		}
	})
}
