package sns

// notification is one published message.
type notification struct {
	TopicArn, MessageID, Subject, Message, Timestamp string
	attributes                                       map[string]Attribute
}

// The signature fields cannot be filled: nobody here holds the key of the
// service. They are present because consumers' types have them.
const (
	noSignature    = "EXAMPLE"
	noCertificate  = "EXAMPLE"
	unsubscribeURL = "EXAMPLE"
)

type lambdaEvent struct {
	Records []lambdaRecord
}

type lambdaRecord struct {
	EventSource          string
	EventVersion         string
	EventSubscriptionArn string
	Sns                  lambdaNotification
}

type lambdaNotification struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicArn          string
	Subject           *string
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string `json:"SigningCertUrl"`
	UnsubscribeURL    string `json:"UnsubscribeUrl"`
	MessageAttributes map[string]Attribute
}

// lambdaEvent is what a subscribed function is invoked with.
func (n notification) lambdaEvent(subscriptionARN string) lambdaEvent {
	attributes := n.attributes
	if attributes == nil {
		attributes = map[string]Attribute{}
	}
	var subject *string
	if n.Subject != "" {
		subject = &n.Subject
	}
	return lambdaEvent{Records: []lambdaRecord{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: subscriptionARN,
		Sns: lambdaNotification{
			Type: "Notification", MessageID: n.MessageID, TopicArn: n.TopicArn, Subject: subject, Message: n.Message,
			Timestamp: n.Timestamp, SignatureVersion: "1", Signature: noSignature, SigningCertURL: noCertificate,
			UnsubscribeURL: unsubscribeURL, MessageAttributes: attributes,
		},
	}}}
}

type envelope struct {
	Type              string
	MessageID         string `json:"MessageId"`
	TopicArn          string
	Subject           string `json:",omitempty"`
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string
	UnsubscribeURL    string
	MessageAttributes map[string]Attribute `json:",omitempty"`
}

// envelope is the body of a message in a subscribed queue without raw delivery.
func (n notification) envelope() envelope {
	return envelope{Type: "Notification", MessageID: n.MessageID, TopicArn: n.TopicArn, Subject: n.Subject, Message: n.Message,
		Timestamp: n.Timestamp, SignatureVersion: "1", Signature: noSignature, SigningCertURL: noCertificate,
		UnsubscribeURL: unsubscribeURL, MessageAttributes: n.attributes}
}
