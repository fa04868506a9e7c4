// Package wire is the framing of Greengrass IPC: event-stream messages with the
// headers of the event-stream RPC protocol, read and written within bounds.
//
// A frame is, in big endian, u32 total length, u32 headers length, u32 CRC-32
// of these eight bytes, headers, payload, u32 CRC-32 of all before (IEEE
// polynomial). Sources: the event-stream package of aws-sdk-go-v2, the
// aws-c-event-stream RPC headers and greengrass-lite's gg-sdk.
package wire

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Type says what a message is.
type Type int32

// The types of messages, header :message-type.
const (
	ApplicationMessage Type = iota
	ApplicationError
	Ping
	PingResponse
	Connect
	ConnectAck
	ProtocolError
	InternalError
)

// Flags of a message, header :message-flags.
type Flags int32

// The bits of Flags.
const (
	ConnectionAccepted Flags = 1 // on ConnectAck
	TerminateStream    Flags = 2 // the stream's last message
)

// Names of headers, values they always have, and the version of the protocol.
const (
	typeHeader        = ":message-type"
	flagsHeader       = ":message-flags"
	streamHeader      = ":stream-id"
	contentTypeHeader = ":content-type"
	versionHeader     = ":version"
	operationHeader   = "operation"
	modelHeader       = "service-model-type"

	Version   = "0.1.0"
	JSON      = "application/json"
	Namespace = "aws.greengrass#" // of operations and shapes
)

// Message is one frame. Headers that are empty are not written.
type Message struct {
	Type   Type
	Flags  Flags
	Stream int32 // 0: about the connection

	Operation   string // with the namespace
	Model       string // service-model-type, with the namespace
	ContentType string
	Version     string
	// Extra are the headers that are none of the above; a ping's answer
	// carries them back.
	Extra   eventstream.Headers
	Payload []byte
}

// Shape is the name of the payload's type without its namespace.
func (m Message) Shape() string { return strings.TrimPrefix(m.Model, Namespace) }

// Terminates says whether it is the last message of its stream.
func (m Message) Terminates() bool { return m.Flags&TerminateStream != 0 }

// Pong is the answer to a ping: its payload and the headers that are the
// application's own.
func (m Message) Pong() Message {
	pong := Message{Type: PingResponse, Payload: m.Payload}
	for _, h := range m.Extra {
		if !strings.HasPrefix(h.Name, ":") {
			pong.Extra = append(pong.Extra, h)
		}
	}
	return pong
}

// Portable says whether all headers have types that nucleus lite takes; it
// drops the connection for any other.
func (m Message) Portable() bool {
	for _, h := range m.Extra {
		switch h.Value.(type) {
		case eventstream.Int32Value, eventstream.StringValue:
		default:
			return false
		}
	}
	return true
}
