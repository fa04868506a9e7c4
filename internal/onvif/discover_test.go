package onvif

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/logtest"
	"porchlight/internal/onvif/simulator"
)

// loopback is the name of the loopback interface.
func loopback(t testing.TB) string {
	t.Helper()
	all, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Skip("this machine has no loopback interface")
	return ""
}

// search asks as often as it takes to be answered.
func search(t *testing.T, s Search, done func(*Findings) bool) *Findings {
	t.Helper()
	var f *Findings
	s.Interfaces, s.Log = []string{loopback(t)}, discard()
	for s.Wait = 200 * time.Millisecond; s.Wait < patience; s.Wait *= 2 {
		var err error
		f, err = Discover(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, s.Interfaces, f.Interfaces)
		if done(f) {
			return f
		}
	}
	t.Fatalf("no answer: %+v", f)
	return nil
}

func TestDiscover(t *testing.T) {
	for name, group := range map[string]string{"directed": "127.0.0.1:0", "multicast": "239.255.255.250:0"} {
		t.Run(name, func(t *testing.T) {
			cfg := porch()
			cfg.Interface, cfg.Group = loopback(t), group
			cam, err := simulator.New(t.Context(), cfg)
			if err != nil && name == "multicast" {
				t.Skipf("loopback takes no multicast here: %v", err)
			}
			require.NoError(t, err)
			t.Cleanup(cam.Close)
			f := search(t, Search{Group: cam.Group()}, func(f *Findings) bool { return len(f.Found) > 0 })
			require.Equal(t, []Found{{
				Endpoint: "urn:uuid:simulated-" + cam.Host(), Address: cam.Address(), Name: "Front door", Location: "porch", Hardware: "Eye 4",
			}}, f.Found, "however often it answers")
			require.Empty(t, f.Broken)
		})
	}
}

func TestDiscoverBroken(t *testing.T) {
	cfg := porch()
	cfg.Interface, cfg.Group = loopback(t), "127.0.0.1:0"
	cfg.Answer = func(string, []byte) []byte { return []byte("<html/>") }
	cam := start(t, cfg)
	f := search(t, Search{Group: cam.Group()}, func(f *Findings) bool { return len(f.Broken) > 0 })
	require.Empty(t, f.Found)
	require.Len(t, f.Broken, 1, "told once")
	require.Equal(t, "127.0.0.1", f.Broken[0].Host)
	require.ErrorIs(t, f.Broken[0].Err, ErrBroken)
	require.ErrorContains(t, f.Broken[0].Err, "--address")
}

func TestDiscoverNobody(t *testing.T) {
	s, err := net.ListenPacket("udp4", "127.0.0.1:0") // hears, and says nothing
	require.NoError(t, err)
	defer s.Close()
	f, err := Discover(t.Context(), Search{Interfaces: []string{loopback(t)}, Group: s.LocalAddr().String(), Wait: 50 * time.Millisecond, Log: discard()})
	require.NoError(t, err)
	require.Empty(t, f.Found)
	require.Empty(t, f.Broken)
}

func TestDiscoverOnNoNetwork(t *testing.T) {
	_, err := Discover(t.Context(), Search{Interfaces: []string{"nosuch0"}, Log: discard()})
	require.ErrorIs(t, err, ErrInterface)
	require.ErrorContains(t, err, "nosuch0")
}

func match(id, types, scopes, addresses string) []byte {
	return fmt.Appendf(nil, `<Envelope><Header><RelatesTo>uuid:%s</RelatesTo></Header><Body><ProbeMatches><ProbeMatch><EndpointReference>`+
		`<Address>urn:%s</Address></EndpointReference><Types>%s</Types><Scopes>%s</Scopes><XAddrs>%s</XAddrs></ProbeMatch></ProbeMatches></Body></Envelope>`,
		id, addresses, types, scopes, addresses)
}

func TestAnswersAreNotTrusted(t *testing.T) {
	probes, from := newProbes(), netip.MustParseAddr("192.0.2.5")
	id := probes[0].id
	const video = "dn:NetworkVideoTransmitter"
	for addresses, want := range map[string]string{
		"http://192.0.2.5/onvif/device_service":                                     "http://192.0.2.5/onvif/device_service",
		"http://[fe80::1]/x http://192.0.2.5:8000/y":                                "http://192.0.2.5:8000/y",
		"http://198.51.100.1:81/x":                                                  "http://192.0.2.5:81/x",
		"http://evil.example/x":                                                     "http://192.0.2.5/x",
		"ftp://192.0.2.5/ http://u:p@192.0.2.5/ javascript:0 http://192.0.2.5:81/z": "http://192.0.2.5:81/z",
	} {
		found, err := parseAnswer(match(id, video, "", addresses), from, probes)
		require.NoError(t, err, addresses)
		require.Len(t, found, 1)
		require.Equal(t, want, found[0].Address)
	}
	for name, answer := range map[string][]byte{
		"no address":       match(id, video, "", "ftp://192.0.2.5/"),
		"another question": match("00000000-0000-4000-8000-000000000000", video, "", "http://192.0.2.5/"),
		"entities":         append([]byte(`<!DOCTYPE a [<!ENTITY b "c">]>`), match(id, video, "", "http://192.0.2.5/")...),
		"nothing":          nil,
	} {
		_, err := parseAnswer(answer, from, probes)
		require.Error(t, err, name)
	}
	found, err := parseAnswer(match(id, "wsdp:Device pub:Printer", "", "http://192.0.2.5/"), from, probes)
	require.NoError(t, err)
	require.Empty(t, found, "a printer")
}

func TestFloodOfAnswers(t *testing.T) {
	log := &logtest.Memory{}
	c := &collector{log: log.Logger(), perHost: map[netip.Addr]int{}, known: map[string]bool{}, broken: map[string]bool{}}
	probes := newProbes()
	one := netip.MustParseAddr("192.0.2.1")
	for n := range 1000 {
		require.True(t, c.add(match(probes[0].id, "NetworkVideoTransmitter", "", fmt.Sprintf("http://192.0.2.1/%d", n)), one, probes))
	}
	require.Len(t, c.Found, maxPerHost)
	taken := 0
	for n := range 2 * maxFound {
		from := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
		if !c.add(match(probes[0].id, "NetworkVideoTransmitter", "", "http://"+from.String()+"/"), from, probes) {
			break
		}
		taken++
	}
	require.Len(t, c.Found, maxFound)
	require.Equal(t, maxFound-maxPerHost, taken)
	require.Contains(t, log.String(), "too many answers")
}

func TestScopes(t *testing.T) {
	require.Equal(t, labels{"Front door", "Basel", "Eye"}, readScopes([]string{
		"onvif://www.onvif.org/name/Front%20door", "onvif://www.onvif.org/location/country/Schweiz", "onvif://www.onvif.org/location/city/Basel",
		"onvif://www.onvif.org/hardware/Eye", "onvif://evil.example/name/No", "onvif://www.onvif.org/name", "onvif://www.onvif.org/hardware/" + strings.Repeat("x", 3000),
	}))
	require.Equal(t, labels{name: "50%zz"}, readScopes([]string{"onvif://www.onvif.org/name/50%zz"}))
}
