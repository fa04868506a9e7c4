package provision

import "strings"

// Operation is one request of the provisioning API.
type Operation int

// The operations.
const (
	CreateKeys Operation = iota
	CreateFromCSR
	Register
)

// Prefixes of all topics of the provisioning API.
const (
	CertificateTopics = "$aws/certificates/"
	TemplateTopics    = "$aws/provisioning-templates/"
)

// Topic is a parsed topic of requests.
type Topic struct {
	Operation Operation
	Template  string // of Register
	CBOR      bool   // the payload format; else JSON
}

// ParseTopic reads a topic that requests are published on. Those of answers
// are none.
func ParseTopic(topic string) (Topic, bool) {
	base, format, ok := cutLast(topic)
	if !ok || format != "json" && format != "cbor" {
		return Topic{}, false
	}
	t := Topic{CBOR: format == "cbor"}
	switch base {
	case CertificateTopics + "create":
		return t, true
	case CertificateTopics + "create-from-csr":
		t.Operation = CreateFromCSR
		return t, true
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(base, TemplateTopics), "/")
	t.Operation, t.Template = Register, name
	return t, strings.HasPrefix(base, TemplateTopics) && name != "" && rest == "provision"
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
