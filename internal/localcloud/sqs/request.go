package sqs

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// request has the parameters of all operations, as both protocols name them.
type request struct {
	entry
	QueueURL                    string `json:"QueueUrl"`
	QueueName                   string
	QueueNamePrefix             string
	MaxNumberOfMessages         int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	Entries                     []entry
}

// entry is what a single operation and one entry of its batch form share.
type entry struct {
	ID                string `json:"Id"`
	MessageBody       string
	ReceiptHandle     string
	DelaySeconds      *int
	VisibilityTimeout *int
	MessageAttributes map[string]Attribute
}

func decodeJSON(body io.Reader) (request, error) {
	var in request
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return in, errParameter("the request cannot be read: %v", err)
	}
	return in, nil
}

// decodeForm reads the query protocol, where lists are numbered from 1: AttributeName.1, .2 …
func decodeForm(f url.Values) (in request, err error) {
	in.QueueURL, in.QueueName, in.QueueNamePrefix = f.Get("QueueUrl"), f.Get("QueueName"), f.Get("QueueNamePrefix")
	in.AttributeNames = formList(f, "AttributeName")
	in.MessageSystemAttributeNames = formList(f, "MessageSystemAttributeName")
	in.MessageAttributeNames = formList(f, "MessageAttributeName")
	if in.entry, err = formEntry(f, ""); err != nil {
		return in, err
	}
	if in.WaitTimeSeconds, err = formInt(f, "WaitTimeSeconds"); err != nil {
		return in, err
	}
	n, err := formInt(f, "MaxNumberOfMessages")
	if err != nil {
		return in, err
	}
	if n != nil {
		in.MaxNumberOfMessages = *n
	}
	for _, kind := range []string{"SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		for i := 1; i <= maxBatch+1; i++ { // one more than allowed, so that too many is noticed
			prefix := kind + "RequestEntry." + strconv.Itoa(i) + "."
			if !f.Has(prefix + "Id") {
				break
			}
			e, err := formEntry(f, prefix)
			if err != nil {
				return in, err
			}
			in.Entries = append(in.Entries, e)
		}
	}
	return in, nil
}

func formEntry(f url.Values, prefix string) (e entry, err error) {
	e.ID, e.MessageBody, e.ReceiptHandle = f.Get(prefix+"Id"), f.Get(prefix+"MessageBody"), f.Get(prefix+"ReceiptHandle")
	if e.DelaySeconds, err = formInt(f, prefix+"DelaySeconds"); err != nil {
		return e, err
	}
	if e.VisibilityTimeout, err = formInt(f, prefix+"VisibilityTimeout"); err != nil {
		return e, err
	}
	for i := 1; i <= maxBatch; i++ { // a message has at most ten attributes
		p := prefix + "MessageAttribute." + strconv.Itoa(i) + "."
		name := f.Get(p + "Name")
		if name == "" {
			break
		}
		a := Attribute{DataType: f.Get(p + "Value.DataType"), StringValue: f.Get(p + "Value.StringValue")}
		if raw := f.Get(p + "Value.BinaryValue"); raw != "" {
			if a.BinaryValue, err = base64.StdEncoding.DecodeString(raw); err != nil {
				return e, errParameter("the binary value of %s is not base64", name)
			}
		}
		if e.MessageAttributes == nil {
			e.MessageAttributes = map[string]Attribute{}
		}
		e.MessageAttributes[name] = a
	}
	return e, nil
}

func formList(f url.Values, name string) (out []string) {
	for i := 1; f.Has(name + "." + strconv.Itoa(i)); i++ {
		out = append(out, f.Get(name+"."+strconv.Itoa(i)))
	}
	return out
}

func formInt(f url.Values, name string) (*int, error) {
	text := f.Get(name)
	if text == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, errParameter("%s is not a number: %q", name[strings.LastIndex(name, ".")+1:], text)
	}
	return &n, nil
}
