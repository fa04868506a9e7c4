package producer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kinds of acknowledgement.
const (
	ackBuffering = "BUFFERING"
	ackReceived  = "RECEIVED"
	ackPersisted = "PERSISTED"
	ackError     = "ERROR"
	ackIdle      = "IDLE"
)

// maxAck bounds one acknowledgement, in bytes. They are about 150 long.
const maxAck = 16 << 10

// ack is one acknowledgement of PutMedia
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html).
type ack struct {
	kind     string
	timecode int64 // of the fragment, as sent; -1 when it is about none
	number   string
	id       int    // of the error
	code     string // of the error
}

// wireAck takes what the documents print and what the service sends: wrapped
// and flat, numbers as numbers and as strings.
type wireAck struct {
	EventType       string
	AckEventType    string
	FragmentTime    json.RawMessage `json:"FragmentTimecode"`
	FragmentNumber  json.RawMessage
	ErrorID         json.RawMessage `json:"ErrorId"`
	ErrorCode       json.RawMessage
	Acknowledgement *wireAck
}

var errNotAck = errors.New("not an acknowledgement")

func parseAck(data []byte) (ack, error) {
	var w wireAck
	if err := json.Unmarshal(data, &w); err != nil {
		return ack{}, fmt.Errorf("%w: %w", errNotAck, err)
	}
	if w.Acknowledgement != nil {
		w = *w.Acknowledgement
	}
	a := ack{timecode: -1, number: plain(w.FragmentNumber), code: plain(w.ErrorCode)}
	if a.kind = strings.ToUpper(w.EventType); a.kind == "" {
		a.kind = strings.ToUpper(w.AckEventType)
	}
	if a.kind == "" {
		return ack{}, fmt.Errorf("%w: it has no kind", errNotAck)
	}
	if t := plain(w.FragmentTime); t != "" {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return ack{}, fmt.Errorf("%w: its timecode is no number", errNotAck)
		}
		a.timecode = n
	}
	if id := plain(w.ErrorID); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil {
			return ack{}, fmt.Errorf("%w: its error is no number", errNotAck)
		}
		a.id = n
	}
	return a, nil
}

// plain is a JSON number or string as text, empty for anything else. Fragment
// numbers have 47 digits and fit no number type.
func plain(raw json.RawMessage) string {
	s := string(raw)
	switch {
	case s == "" || s == "null":
		return ""
	case s[0] == '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return ""
		}
		return text
	case s[0] == '{' || s[0] == '[':
		return ""
	}
	return s
}

// ackReader finds the JSON objects in a response, whatever is between them:
// lines, nothing, or white space that keeps a proxy awake.
type ackReader struct {
	r   *bufio.Reader
	buf []byte
}

func newAckReader(r io.Reader) *ackReader { return &ackReader{r: bufio.NewReaderSize(r, 4<<10)} }

// next returns the next object, valid until the call after. It fails with the
// reader's error, or when an object is longer than maxAck.
func (a *ackReader) next() ([]byte, error) {
	a.buf = a.buf[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, err := a.r.ReadByte()
		if err != nil {
			if err == io.EOF && depth > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if depth == 0 && c != '{' {
			continue
		}
		a.buf = append(a.buf, c)
		switch {
		case len(a.buf) > maxAck:
			return nil, fmt.Errorf("%w: longer than %d bytes", errNotAck, maxAck)
		case escaped:
			escaped = false
		case quoted:
			quoted, escaped = c != '"', c == '\\'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return a.buf, nil
			}
		}
	}
}
