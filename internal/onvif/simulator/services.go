package simulator

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	devicePath = "/onvif/device_service"
	mediaPath  = "/onvif/media"
	media2Path = "/onvif/media2"
	ptzPath    = "/onvif/ptz"
	eventsPath = "/onvif/events"
)

// message is what the camera understands of a request.
type message struct {
	Header struct {
		Security struct{ UsernameToken token }
	}
	Body struct {
		Operation operation `xml:",any"`
	}
}

// operation is any of the requests that the camera knows.
type operation struct {
	XMLName      xml.Name
	ProfileToken string
	Velocity     struct {
		PanTilt struct {
			X float64 `xml:"x,attr"`
			Y float64 `xml:"y,attr"`
		}
		Zoom struct {
			X float64 `xml:"x,attr"`
		}
	}
	Timeout string
	Type    string
}

func (c *Camera) serve(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var m message
	if err != nil || xml.Unmarshal(text, &m) != nil {
		http.Error(w, "not SOAP", http.StatusBadRequest)
		return
	}
	op := m.Body.Operation
	name := op.XMLName.Local
	c.mu.Lock()
	c.calls = append(c.calls, name)
	c.mu.Unlock()
	if name != "GetSystemDateAndTime" {
		if err := c.signedIn(r, m.Header.Security.UsernameToken); err != nil {
			c.cfg.Log.Debug("ONVIF simulator refuses a sign-in", "operation", name, "error", err)
			if c.cfg.HTTPDigest {
				w.Header().Set("WWW-Authenticate", `Digest realm="simulator", qop="auth", nonce="`+httpNonce+`", algorithm=MD5`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			c.fault(w, http.StatusBadRequest, "ter:NotAuthorized", "Sender not authorized")
			return
		}
	}
	answer, ok := c.answer(r.URL.Path, op)
	if !ok {
		c.fault(w, http.StatusInternalServerError, "ter:ActionNotSupported", "Optional action not implemented")
		return
	}
	body := c.change(name, envelope(answer))
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.Write(body)
}

func (c *Camera) change(operation string, body []byte) []byte {
	if c.cfg.Answer == nil {
		return body
	}
	return c.cfg.Answer(operation, body)
}

func (c *Camera) fault(w http.ResponseWriter, status int, code, reason string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	w.Write(envelope(`<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>` + code +
		`</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">` + reason + `</s:Text></s:Reason></s:Fault>`))
}

// answer does an operation of a service; false when it is not known there.
func (c *Camera) answer(path string, op operation) (string, bool) {
	name := op.XMLName.Local
	switch path {
	case devicePath:
		return c.device(name)
	case mediaPath, media2Path:
		if path == media2Path && !c.cfg.Media2 {
			return "", false
		}
		return c.media(op, path == media2Path)
	case ptzPath:
		return c.turn(op)
	}
	return "", false
}

// turn keeps the movements that are asked for.
func (c *Camera) turn(op operation) (string, bool) {
	m := Move{
		Profile: op.ProfileToken, Pan: op.Velocity.PanTilt.X, Tilt: op.Velocity.PanTilt.Y, Zoom: op.Velocity.Zoom.X,
		Timeout: op.Timeout, Stop: op.XMLName.Local == "Stop",
	}
	if !m.Stop && op.XMLName.Local != "ContinuousMove" {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves = append(c.moves, m)
	return "<tptz:" + op.XMLName.Local + "Response/>", true
}

func (c *Camera) service(path string) string {
	host := c.Host()
	if c.cfg.Host != "" {
		host = c.cfg.Host
	}
	return "http://" + host + path
}

func envelope(body string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" `+
		`xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" `+
		`xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" `+
		`xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>%s</s:Body></s:Envelope>`, body)
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return strings.TrimSpace(out.String())
}
