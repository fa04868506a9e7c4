package sqs

import (
	"crypto/md5" //nolint:gosec // the digest that the SQS API defines
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"sort"
	"strings"
	"time"
)

// Attribute is a typed value that travels with a message. DataType starts
// with String, Number or Binary.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty" xml:",omitempty"`
	BinaryValue []byte `json:",omitempty" xml:",omitempty"`
}

// Message is one received message.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string
	Attributes    map[string]Attribute
	SentAt        time.Time
	FirstReceived time.Time
	Receives      int    // times received, this one included
	SenderID      string // unique id of who sent it: of a role, with the session's name after a colon
}

// record is a message as stored; its key is its sequence number, so keys are in order of arrival.
type record struct {
	ID         string
	Body       string
	Attributes map[string]Attribute `json:",omitempty"`
	SentAt     time.Time
	FirstAt    time.Time `json:",omitzero"`
	VisibleAt  time.Time
	Receives   int
	Nonce      string `json:",omitempty"` // of the latest receipt handle
	Source     string `json:",omitempty"` // ARN of the queue it was redriven from
	Sender     string `json:",omitempty"` // unique id of who signed the request; empty: the account itself
}

// senderID is the account for what no request brought: a topic's, a rule's or
// a function's failure.
func (r record) senderID(queueARN string) string {
	if r.Sender != "" {
		return r.Sender
	}
	parts := strings.Split(queueARN, ":")
	return parts[len(parts)-2]
}

func sequenceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// A receipt handle names the message and the receive it came from.
func encodeHandle(key []byte, id, nonce string) string {
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(key) + " " + id + " " + nonce))
}

func decodeHandle(handle string) (key []byte, id, nonce string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 3 {
		return nil, "", "", false
	}
	key, err = hex.DecodeString(parts[0])
	return key, parts[1], parts[2], err == nil && len(key) == 8
}

func md5Hex(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// attributesMD5 digests message attributes the way clients check it: names in
// order, each part behind its length, one byte telling the kind of value.
// Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes".
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	names := make([]string, 0, len(attributes))
	for name := range attributes {
		names = append(names, name)
	}
	sort.Strings(names)
	var b []byte
	part := func(data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
	}
	for _, name := range names {
		a := attributes[name]
		part([]byte(name))
		part([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			part(a.BinaryValue)
		} else {
			b = append(b, 1)
			part([]byte(a.StringValue))
		}
	}
	return md5Hex(b)
}
