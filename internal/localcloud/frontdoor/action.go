package frontdoor

import (
	"fmt"
	"net/http"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// need is one permission a request takes.
type need struct{ action, resource string }

// scope holds what ARNs are made of.
type scope struct {
	partition, region, account string
	secretARN, streamARN       func(string) string
	channelARN                 func(string) string
}

func (s scope) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.partition, service, s.region, s.account, resource)
}

// service tells how requests to one service are read.
type service struct {
	name     string // as in Config.Handlers
	protocol func(*http.Request) awsapi.Protocol
	needs    func(scope, *http.Request, []byte) ([]need, error)
	// streams tells requests whose body goes to the handler as it arrives; nil: none.
	streams func(*http.Request) bool
}

// services by the name in the credential scope.
func services() map[string]service {
	fixed := func(p awsapi.Protocol) func(*http.Request) awsapi.Protocol {
		return func(*http.Request) awsapi.Protocol { return p }
	}
	iot := service{"iot", fixed(awsapi.RESTJSON), iotControlNeeds, nil}
	iotData := service{"iotdata", fixed(awsapi.RESTJSON), iotDataNeeds, nil}
	return map[string]service{
		"dynamodb":         {"dynamodb", fixed(awsapi.JSON10), dynamoNeeds, nil},
		"s3":               {"s3", fixed(awsapi.S3XML), s3Needs, nil},
		"sns":              {"sns", fixed(awsapi.Query), snsNeeds, nil},
		"sqs":              {"sqs", sqsProtocol, sqsNeeds, nil},
		"secretsmanager":   {"secretsmanager", fixed(awsapi.JSON11), secretNeeds, nil},
		"rekognition":      {"rekognition", fixed(awsapi.JSON11), rekognitionNeeds, nil},
		"iot":              iot,
		"execute-api":      iot, // what older iot clients sign as
		"iotdata":          iotData,
		"iotdevicegateway": iotData, // what iot-data clients sign as
		"iot-jobs-data":    {"iot-jobs-data", fixed(awsapi.RESTJSON), iotJobsDataNeeds, nil},
		"sts": {"sts", fixed(awsapi.Query), func(scope, *http.Request, []byte) ([]need, error) {
			return nil, nil // anyone may ask who they are
		}, nil},
		"kinesisvideo": {"kinesisvideo", fixed(awsapi.RESTJSON), videoNeeds, streamsBody},
	}
}

func sqsProtocol(r *http.Request) awsapi.Protocol {
	if r.Header.Get("X-Amz-Target") != "" {
		return awsapi.JSON10Q
	}
	return awsapi.Query
}

// guessProtocol picks an error shape before the service is known.
func guessProtocol(r *http.Request) awsapi.Protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return awsapi.JSON10
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return awsapi.Query
	case strings.HasPrefix(r.URL.Path, "/topics/"), strings.HasPrefix(r.URL.Path, "/things/"),
		strings.HasPrefix(r.URL.Path, "/jobs"), strings.HasPrefix(r.URL.Path, "/api/things/"), videoActions()[r.URL.Path] != "", signalingAction(r) != "":
		return awsapi.RESTJSON
	}
	return awsapi.S3XML
}

// target returns the operation a JSON protocol names, without its service prefix.
func target(r *http.Request) (string, error) {
	_, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok || op == "" {
		return "", &awsapi.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest,
			Message: "the header X-Amz-Target names no operation"}
	}
	return op, nil
}

func snsNeeds(s scope, r *http.Request, _ []byte) ([]need, error) {
	for _, field := range []string{"TopicArn", "TargetArn"} {
		if arn := r.Form.Get(field); arn != "" {
			return []need{{"sns:" + r.Form.Get("Action"), arn}}, nil
		}
	}
	return []need{{"sns:" + r.Form.Get("Action"), s.arn("sns", "*")}}, nil
}

func sqsNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	action, queue, name := r.Form.Get("Action"), r.Form.Get("QueueUrl"), r.Form.Get("QueueName")
	if sqsProtocol(r) == awsapi.JSON10Q {
		op, err := target(r)
		if err != nil {
			return nil, err
		}
		fields, err := jsonObject(body)
		if err != nil {
			return nil, err
		}
		action, queue, name = op, text(fields["QueueUrl"]), text(fields["QueueName"])
	}
	action = strings.TrimSuffix(action, "Batch") // one permission covers both forms
	if queue != "" {
		name = queue[strings.LastIndex(queue, "/")+1:]
	}
	if name == "" {
		name = "*"
	}
	return []need{{"sqs:" + action, s.arn("sqs", name)}}, nil
}

// rekognitionNeeds: labels are seen in pictures, which are no resources; the
// service itself sees to it that the caller may read those in S3.
func rekognitionNeeds(_ scope, r *http.Request, _ []byte) ([]need, error) {
	op, err := target(r)
	if err != nil {
		return nil, err
	}
	return []need{{"rekognition:" + op, "*"}}, nil
}

func secretNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	op, err := target(r)
	if err != nil {
		return nil, err
	}
	fields, err := jsonObject(body)
	if err != nil {
		return nil, err
	}
	resource := "*"
	if id := text(fields["SecretId"]); id != "" {
		resource = s.secretARN(id)
	}
	return []need{{"secretsmanager:" + op, resource}}, nil
}
