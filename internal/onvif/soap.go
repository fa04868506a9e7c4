package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"porchlight/internal/capture"
)

// Namespaces of the prefixes that the library's messages are written with.
const namespaces = ` xmlns:s="http://www.w3.org/2003/05/soap-envelope"` +
	` xmlns:onvif="http://www.onvif.org/ver10/schema"` +
	` xmlns:tds="http://www.onvif.org/ver10/device/wsdl"` +
	` xmlns:trt="http://www.onvif.org/ver10/media/wsdl"` +
	` xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"` +
	` xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"`

// envelope writes a SOAP 1.2 message. header is XML, or empty.
func envelope(header string, message any) ([]byte, error) {
	body, err := xml.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	var out bytes.Buffer
	out.WriteString(xml.Header + `<s:Envelope` + namespaces + `>`)
	if header != "" {
		out.WriteString(`<s:Header>` + header + `</s:Header>`)
	}
	out.WriteString(`<s:Body>`)
	out.Write(body)
	out.WriteString(`</s:Body></s:Envelope>`)
	return out.Bytes(), nil
}

// Bounds of the XML of one answer. The largest answers of real cameras have a
// few thousand elements, twelve deep.
const (
	maxDepth    = 48
	maxElements = 20_000
	maxAttrs    = 64 // of one element
)

// guard hands on the tokens of an XML text that is no attack. Entities are
// never expanded beyond XML's own five, but whoever declares some is up to
// nothing good.
type guard struct {
	xml             *xml.Decoder
	depth, elements int
}

var _ xml.TokenReader = (*guard)(nil)

// Token implements xml.TokenReader.
func (g *guard) Token() (xml.Token, error) {
	t, err := g.xml.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case xml.Directive:
		return nil, errors.New("it declares a document type, which SOAP forbids")
	case xml.StartElement:
		g.depth++
		g.elements++
		switch {
		case g.depth > maxDepth:
			return nil, fmt.Errorf("more than %d elements inside one another", maxDepth)
		case g.elements > maxElements:
			return nil, fmt.Errorf("more than %d elements", maxElements)
		case len(t.Attr) > maxAttrs:
			return nil, fmt.Errorf("more than %d attributes", maxAttrs)
		}
	case xml.EndElement:
		g.depth--
	}
	return t, nil
}

// faultError is a SOAP fault: the camera understood and says no.
type faultError struct {
	code, reason string
}

// Error implements error.
func (f *faultError) Error() string { return f.reason + " (" + f.code + ")" }

// unauthorized tells whether the fault is about who asks.
// https://www.onvif.org/specs/core/ONVIF-Core-Specification.pdf, 5.8.2.
func (f *faultError) unauthorized() bool {
	code, reason := strings.ToLower(f.code), strings.ToLower(f.reason)
	return strings.Contains(code, "notauthorized") || strings.Contains(code, "failedauthentication") ||
		strings.Contains(reason, "not authorized") || strings.Contains(reason, "unauthorized") || strings.Contains(reason, "time check failed")
}

// unsupported tells whether the camera does not know the request.
func (f *faultError) unsupported() bool {
	code := strings.ToLower(f.code)
	return strings.Contains(code, "actionnotsupported") || strings.Contains(code, "unknownaction") || strings.Contains(code, "notimplemented")
}

type fault struct {
	Code struct {
		Value   string
		Subcode struct {
			Value   string
			Subcode struct{ Value string }
		}
	}
	Reason struct{ Text []string }

	// SOAP 1.1, which some cameras answer with.
	FaultCode   string `xml:"faultcode"`
	FaultString string `xml:"faultstring"`
}

func (f *fault) err() *faultError {
	codes := []string{f.Code.Value, f.Code.Subcode.Value, f.Code.Subcode.Subcode.Value, f.FaultCode}
	e := &faultError{reason: clean(capture.Redact(strings.Join(append(f.Reason.Text, f.FaultString), " ")))}
	for _, c := range codes {
		if c = clean(c); c != "" {
			e.code = c // the innermost says the most
			if (&faultError{code: c}).unauthorized() {
				break
			}
		}
	}
	if e.reason == "" {
		e.reason = "no reason given"
	}
	return e
}

// errNoAnswer says that a text is not the answer that was asked for.
var errNoAnswer = errors.New("no SOAP answer to what was asked")

// decode reads the one element named want in the body of a SOAP message into
// v. Namespaces are not looked at: cameras err in them. It fails with a
// *faultError when that is what the body has.
func decode(r io.Reader, want string, v any) error {
	return read(r, []string{"Envelope", "Body", want}, v)
}

// decodeHeader reads the header of a SOAP message into v.
func decodeHeader(r io.Reader, v any) error {
	return read(r, []string{"Envelope", "Header"}, v)
}

func read(r io.Reader, path []string, v any) error {
	bounded := &io.LimitedReader{R: r, N: maxAnswer + 1}
	d := xml.NewTokenDecoder(&guard{xml: xml.NewDecoder(bounded)})
	err := find(d, path, v)
	var f *faultError
	if bounded.N <= 0 && err != nil && !errors.As(err, &f) {
		return fmt.Errorf("more than %d bytes", maxAnswer)
	}
	return err
}

// find decodes the element at a path from the root.
func find(d *xml.Decoder, path []string, v any) error {
	for root := true; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return errNoAnswer
		} else if err != nil {
			return err
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		name, last := start.Name.Local, len(path) == 1
		switch {
		case name == path[0] && last && v == nil:
			return nil
		case name == path[0] && last:
			return d.DecodeElement(v, &start)
		case name == path[0]:
			path = path[1:]
		case name == "Fault" && last:
			var f fault
			if err := d.DecodeElement(&f, &start); err != nil {
				return err
			}
			return f.err()
		case root:
			return errNoAnswer // a web page, most likely
		default:
			if err := d.Skip(); err != nil { // the header, mostly
				return err
			}
		}
		root = false
	}
}
