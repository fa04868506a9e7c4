package onvif

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"porchlight/internal/capture"
)

// probe is one question, and the id by which answers refer to it.
type probe struct {
	id      string
	message []byte
}

// newProbes are the two questions of ONVIF: old cameras answer to the first
// type alone, some new ones to the second alone. ONVIF Core specification, 7.3.2.
func newProbes() []probe {
	return []probe{
		newProbe(`xmlns:t="http://www.onvif.org/ver10/network/wsdl"`, "t:NetworkVideoTransmitter"),
		newProbe(`xmlns:t="http://www.onvif.org/ver10/device/wsdl"`, "t:Device"),
	}
}

func newProbe(namespace, types string) probe {
	id := newUUID()
	return probe{id: id, message: fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" `+
		`xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" %s><e:Header><w:MessageID>uuid:%s</w:MessageID>`+
		`<w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>`+
		`<w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>`+
		`<e:Body><d:Probe><d:Types>%s</d:Types></d:Probe></e:Body></e:Envelope>`, namespace, id, types)}
}

// newUUID is a random one. https://datatracker.ietf.org/doc/html/rfc9562#section-5.4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails, crypto/rand says
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// collector makes findings of answers. Its methods may be called from several
// goroutines.
type collector struct {
	log *slog.Logger

	mu      sync.Mutex
	answers int
	perHost map[netip.Addr]int
	known   map[string]bool // endpoints
	broken  map[string]bool // hosts
	Findings
}

// add takes one answer in. It returns false when there were too many.
func (c *collector) add(answer []byte, from netip.Addr, probes []probe) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers++; c.answers > maxAnswers || len(c.Found) >= maxFound {
		c.log.Warn("too many answers to the search; the rest is left out", "answers", c.answers, "found", len(c.Found))
		return false
	}
	if c.perHost[from]++; c.perHost[from] > maxPerHost {
		return true
	}
	found, err := parseAnswer(answer, from, probes)
	if err != nil {
		c.log.Debug("answer to the search left out", "from", from, "error", err)
		if host := from.String(); !c.broken[host] && !slices.ContainsFunc(c.Found, func(f Found) bool { return isAt(f, from) }) {
			c.broken[host] = true
			c.Broken = append(c.Broken, Broken{host, fmt.Errorf("%w: %s, to the search: %w; ask it with --address, or update its firmware", ErrBroken, host, err)})
		}
		return true
	}
	for _, f := range found {
		if !c.known[f.Endpoint] && len(c.Found) < maxFound {
			c.known[f.Endpoint] = true
			c.Found = append(c.Found, f)
			c.Broken = slices.DeleteFunc(c.Broken, func(b Broken) bool { return b.Host == from.String() })
		}
	}
	return true
}

func isAt(f Found, host netip.Addr) bool {
	u, err := url.Parse(f.Address)
	return err == nil && sameHost(u.Hostname(), host.String())
}

// probeMatches is the answer to a probe. WS-Discovery, 5.3.
type probeMatches struct {
	ProbeMatch []struct {
		EndpointReference struct{ Address string }
		Types             string
		Scopes            string
		XAddrs            string
	}
}

// relatesTo is the header that says which question is answered.
type relatesTo struct{ RelatesTo string }

// parseAnswer reads an answer. A device that is no camera is none, and no
// error.
func parseAnswer(answer []byte, from netip.Addr, probes []probe) ([]Found, error) {
	// Without the id the answer was made up by somebody who did not hear the question.
	var header relatesTo
	if err := decodeHeader(bytes.NewReader(answer), &header); err != nil {
		return nil, plain(err)
	}
	if !slices.ContainsFunc(probes, func(p probe) bool { return strings.Contains(strings.ToLower(header.RelatesTo), p.id) }) {
		return nil, fmt.Errorf("it answers another question")
	}
	var matches probeMatches
	if err := decode(bytes.NewReader(answer), "ProbeMatches", &matches); err != nil {
		return nil, plain(err)
	}
	var list []Found
	for _, m := range matches.ProbeMatch {
		scopes := strings.Fields(m.Scopes)
		if !strings.Contains(m.Types, "NetworkVideoTransmitter") && !strings.Contains(m.Scopes, "onvif://www.onvif.org/") {
			continue
		}
		address, err := choose(strings.Fields(m.XAddrs), from)
		if err != nil {
			return nil, err
		}
		l := readScopes(scopes)
		endpoint := strings.ToLower(clean(m.EndpointReference.Address))
		if endpoint == "" {
			endpoint = address.Host
		}
		list = append(list, Found{Endpoint: endpoint, Address: address.String(), Name: l.name, Location: l.location, Hardware: l.hardware})
	}
	return list, nil
}

// choose picks the address of the device service: the one at the host that
// has answered. Any other is not trusted, but tells port and path.
func choose(addresses []string, from netip.Addr) (*url.URL, error) {
	var other *url.URL
	for _, text := range addresses[:min(len(addresses), 16)] {
		u, err := serviceURL(text)
		if err != nil {
			continue
		}
		if sameHost(u.Hostname(), from.String()) {
			return u, nil
		}
		if other == nil {
			other = u
		}
	}
	if other == nil {
		return nil, fmt.Errorf("it gives no http:// address")
	}
	u := *other
	u.Host = hostPort(from.String(), other.Port())
	return &u, nil
}

// plain shortens what is wrong with an answer.
func plain(err error) error { return fmt.Errorf("%s", clean(capture.Redact(err.Error()))) }
