package simulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// hear opens the socket of discovery.
func (c *Camera) hear() error {
	group, err := net.ResolveUDPAddr("udp4", c.cfg.Group)
	if err != nil {
		return err
	}
	if !group.IP.IsMulticast() {
		c.probes, err = net.ListenUDP("udp4", group)
		return err
	}
	i, err := net.InterfaceByName(c.cfg.Interface)
	if err != nil {
		return err
	}
	if group.Port == 0 {
		free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		group.Port = free.LocalAddr().(*net.UDPAddr).Port
		_ = free.Close()
	}
	c.cfg.Group = group.String()
	c.probes, err = net.ListenMulticastUDP("udp4", i, group)
	return err
}

// Group is where the camera hears probes: host:port.
func (c *Camera) Group() string {
	if group, err := net.ResolveUDPAddr("udp4", c.cfg.Group); err == nil && group.IP.IsMulticast() {
		return c.cfg.Group
	}
	return c.probes.LocalAddr().String()
}

// probe is a question of WS-Discovery.
type probe struct {
	Header struct{ MessageID string }
	Body   struct {
		Probe *struct{ Types string }
	}
}

// answerProbes answers whoever asks for cameras.
func (c *Camera) answerProbes() {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := c.probes.ReadFromUDP(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var p probe
		if err != nil || xml.Unmarshal(buffer[:n], &p) != nil || p.Body.Probe == nil || !strings.Contains(p.Body.Probe.Types, "NetworkVideoTransmitter") {
			continue
		}
		body := c.change("Probe", c.probeMatch(p.Header.MessageID))
		if len(body) == 0 {
			continue
		}
		if _, err := c.probes.WriteToUDP(body, from); err != nil {
			c.cfg.Log.Debug("ONVIF simulator cannot answer a probe", "error", err)
		}
	}
}

func (c *Camera) probeMatch(id string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" `+
		`xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" `+
		`xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><SOAP-ENV:Header><wsa:RelatesTo>%s</wsa:RelatesTo>`+
		`<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>`+
		`<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:simulated-%s</wsa:Address>`+
		`</wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs>`+
		`<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
		escape(id), escape(c.Host()), escape(strings.Join(c.scopes(), " ")), escape(c.service(devicePath)))
}

func (c *Camera) scopes() []string {
	const base = "onvif://www.onvif.org/"
	list := []string{base + "type/video_encoder", base + "Profile/Streaming", base + "hardware/" + url.PathEscape(c.cfg.Model)}
	if c.cfg.Name != "" {
		list = append(list, base+"name/"+url.PathEscape(c.cfg.Name))
	}
	if c.cfg.Location != "" {
		list = append(list, base+"location/country/ch", base+"location/"+url.PathEscape(c.cfg.Location))
	}
	return list
}
