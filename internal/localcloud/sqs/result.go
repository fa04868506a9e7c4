package sqs

import (
	"encoding/base64"
	"encoding/xml"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type urlResult struct {
	QueueURL string `json:"QueueUrl" xml:"QueueUrl"`
}

type listResult struct {
	QueueURLs []string `json:"QueueUrls" xml:"QueueUrl"`
}

type sendResult struct {
	ID                     string `json:"Id,omitempty" xml:"Id,omitempty"` // in batches
	MessageID              string `json:"MessageId,omitempty" xml:"MessageId,omitempty"`
	MD5OfMessageBody       string `json:",omitempty" xml:",omitempty"`
	MD5OfMessageAttributes string `json:",omitempty" xml:",omitempty"`
}

type batchFailure struct {
	ID          string `json:"Id" xml:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

type batchResult struct {
	Successful []sendResult
	Failed     []batchFailure
	op         string
}

// MarshalXML names the entries after the operation, as the query protocol does.
func (b batchResult) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return wrap(e, start, func() error {
		for _, ok := range b.Successful {
			if err := e.EncodeElement(ok, element(b.op+"ResultEntry")); err != nil {
				return err
			}
		}
		for _, failed := range b.Failed {
			if err := e.EncodeElement(failed, element("BatchResultErrorEntry")); err != nil {
				return err
			}
		}
		return nil
	})
}

type attributesResult struct {
	Attributes named `xml:"Attribute"`
}

type receiveResult struct {
	Messages []messageResult `xml:"Message"`
}

type messageResult struct {
	MessageID              string `json:"MessageId" xml:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             named  `json:",omitempty" xml:"Attribute"`
	MessageAttributes      valued `json:",omitempty" xml:"MessageAttribute"`
	MD5OfMessageAttributes string `json:",omitempty" xml:",omitempty"`
}

func newMessageResult(m Message, in request) messageResult {
	all := named{
		"SenderId": m.SenderID, "SentTimestamp": strconv.FormatInt(m.SentAt.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
	}
	out := messageResult{MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, MD5OfBody: md5Hex([]byte(m.Body)),
		Attributes: all.only(append(in.AttributeNames, in.MessageSystemAttributeNames...))}
	for name, a := range m.Attributes {
		if wanted(in.MessageAttributeNames, name) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = valued{}
			}
			out.MessageAttributes[name] = a
		}
	}
	out.MD5OfMessageAttributes = attributesMD5(out.MessageAttributes)
	return out
}

// wanted: names may be given whole, as All, or as a prefix before ".*".
func wanted(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		prefix, isPrefix := strings.CutSuffix(n, ".*")
		return n == name || n == "All" || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// named is a map in JSON and repeated Name and Value pairs in XML.
type named map[string]string

func (n named) only(names []string) named {
	out := named{}
	for k, v := range n {
		if wanted(names, k) {
			out[k] = v
		}
	}
	return out
}

// MarshalXML writes one element per entry, in order of the names.
func (n named) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, name := range sortedNames(n) {
		if err := e.EncodeElement(struct{ Name, Value string }{name, n[name]}, start); err != nil {
			return err
		}
	}
	return nil
}

// valued is the same for message attributes.
type valued map[string]Attribute

// MarshalXML writes one element per entry, in order of the names.
func (v valued) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type value struct {
		DataType    string
		StringValue string `xml:",omitempty"`
		BinaryValue string `xml:",omitempty"`
	}
	for _, name := range sortedNames(v) {
		a := v[name]
		pair := struct {
			Name  string
			Value value
		}{name, value{a.DataType, a.StringValue, base64.StdEncoding.EncodeToString(a.BinaryValue)}}
		if err := e.EncodeElement(pair, start); err != nil {
			return err
		}
	}
	return nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func element(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }

func wrap(e *xml.Encoder, start xml.StartElement, inner func() error) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := inner(); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}
