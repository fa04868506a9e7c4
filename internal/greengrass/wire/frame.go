package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Longest frames, in bytes.
const (
	JavaLimit = 24 << 20 // of the AWS C runtime, which the Java nucleus uses
	LiteLimit = 10_000   // of nucleus lite, measured with 2.6.0
)

const (
	preludeLength = 12 // two lengths and their checksum
	leastFrame    = preludeLength + 4
	headersLimit  = 128 << 10 // of the AWS C runtime
)

var (
	// ErrTooLarge is wrapped when a frame is longer than a limit.
	ErrTooLarge = errors.New("message too large for Greengrass IPC")
	// ErrMalformed is wrapped when bytes are no frame of the protocol: the
	// rest of the stream cannot be read either.
	ErrMalformed = errors.New("malformed Greengrass IPC frame")
)

// Append appends m as a frame of at most limit bytes to b.
func Append(b []byte, m Message, limit int) ([]byte, error) {
	// Refused before a copy is made.
	if len(m.Payload) > limit-leastFrame {
		return b, fmt.Errorf("%w: a payload of %d bytes, the limit of a frame is %d", ErrTooLarge, len(m.Payload), limit)
	}
	headers := eventstream.Headers{
		{Name: typeHeader, Value: eventstream.Int32Value(m.Type)},
		{Name: flagsHeader, Value: eventstream.Int32Value(m.Flags)},
		{Name: streamHeader, Value: eventstream.Int32Value(m.Stream)},
	}
	for _, h := range []struct{ name, value string }{
		{versionHeader, m.Version}, {contentTypeHeader, m.ContentType}, {operationHeader, m.Operation}, {modelHeader, m.Model},
	} {
		if h.value != "" {
			headers = append(headers, eventstream.Header{Name: h.name, Value: eventstream.StringValue(h.value)})
		}
	}
	frame := bytes.NewBuffer(b)
	if err := eventstream.NewEncoder().Encode(frame, eventstream.Message{Headers: append(headers, m.Extra...), Payload: m.Payload}); err != nil {
		return b, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if n := frame.Len() - len(b); n > limit {
		return b, fmt.Errorf("%w: a frame of %d bytes, the limit is %d", ErrTooLarge, n, limit)
	}
	return frame.Bytes(), nil
}

// Read reads one frame of at most limit bytes. At the end of r, between two
// frames, the error is io.EOF itself.
func Read(r io.Reader, limit int) (Message, error) {
	var prelude [preludeLength]byte
	if _, err := io.ReadFull(r, prelude[:]); err != nil {
		return Message{}, err
	}
	total, headers := binary.BigEndian.Uint32(prelude[:]), binary.BigEndian.Uint32(prelude[4:])
	// A length is believed only if its checksum is right; the event-stream
	// decoder checks neither of the two against the other.
	switch {
	case binary.BigEndian.Uint32(prelude[8:]) != crc32.ChecksumIEEE(prelude[:8]):
		return Message{}, fmt.Errorf("%w: wrong checksum of the lengths", ErrMalformed)
	case total < leastFrame || headers > total-leastFrame || headers > headersLimit:
		return Message{}, fmt.Errorf("%w: %d bytes with %d bytes of headers", ErrMalformed, total, headers)
	case uint64(total) > uint64(limit):
		return Message{}, fmt.Errorf("%w: a frame of %d bytes, the limit is %d", ErrTooLarge, total, limit)
	}
	frame := bytes.NewBuffer(prelude[:])
	// The buffer grows with what arrives, not with what is announced.
	if _, err := io.CopyN(frame, r, int64(total)-preludeLength); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Message{}, err
	}
	raw, err := eventstream.NewDecoder().Decode(frame, nil)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return fromHeaders(raw)
}

func fromHeaders(raw eventstream.Message) (Message, error) {
	m := Message{Payload: raw.Payload}
	numbers := map[string]*int32{typeHeader: (*int32)(&m.Type), flagsHeader: (*int32)(&m.Flags), streamHeader: &m.Stream}
	texts := map[string]*string{
		versionHeader: &m.Version, contentTypeHeader: &m.ContentType, operationHeader: &m.Operation, modelHeader: &m.Model,
	}
	for _, h := range raw.Headers {
		if number, known := numbers[h.Name]; known {
			value, isNumber := h.Value.(eventstream.Int32Value)
			if !isNumber {
				return Message{}, fmt.Errorf("%w: header %s is no int32", ErrMalformed, h.Name)
			}
			*number = int32(value)
			delete(numbers, h.Name)
			continue
		}
		if text, known := texts[h.Name]; known {
			value, isText := h.Value.(eventstream.StringValue)
			if !isText {
				return Message{}, fmt.Errorf("%w: header %s is no string", ErrMalformed, h.Name)
			}
			*text = string(value)
			continue
		}
		m.Extra = append(m.Extra, h)
	}
	if len(numbers) > 0 {
		return Message{}, fmt.Errorf("%w: no message type, flags or stream id", ErrMalformed)
	}
	return m, nil
}
