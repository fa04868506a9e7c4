package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

// Notifications is what is honored of a bucket's NotificationConfiguration:
// queues that are told of objects that were made.
type Notifications struct {
	QueueConfigurations      []QueueConfiguration
	TopicConfigurations      []any
	LambdaConfigurations     []any
	EventBridgeConfiguration any
}

// QueueConfiguration names a queue and of which objects it is told.
type QueueConfiguration struct {
	Event  string // s3:ObjectCreated:* or s3:ObjectCreated:Put
	Queue  string // ARN
	Filter struct {
		S3Key struct{ Rules []FilterRule }
	}
}

// FilterRule is about an object's key.
type FilterRule struct {
	Name  string // prefix or suffix, in letters of any case
	Value string
}

// Queues takes what buckets tell.
type Queues interface {
	// Send returns once the message is kept.
	Send(ctx context.Context, queueARN, body string) error
}

// check refuses what would not be told here.
func (n Notifications) check() error {
	if len(n.TopicConfigurations)+len(n.LambdaConfigurations) > 0 || n.EventBridgeConfiguration != nil {
		return fmt.Errorf("%w: notifications to topics, functions and EventBridge: use a queue", ErrUnsupported)
	}
	for _, q := range n.QueueConfigurations {
		if q.Event != "s3:ObjectCreated:*" && q.Event != "s3:ObjectCreated:Put" {
			return fmt.Errorf("%w: notifications of %s: use s3:ObjectCreated:*", ErrUnsupported, q.Event)
		}
		if q.Queue == "" {
			return fmt.Errorf("notification of %s: it names no queue", q.Event)
		}
		seen := map[string]bool{}
		for _, r := range q.Filter.S3Key.Rules {
			name := strings.ToLower(r.Name)
			if name != "prefix" && name != "suffix" || seen[name] {
				return fmt.Errorf("notification of %s: filter rule %q: want one prefix and one suffix at most", q.Event, r.Name)
			}
			seen[name] = true
		}
	}
	return nil
}

func (q QueueConfiguration) wants(key string) bool {
	for _, r := range q.Filter.S3Key.Rules {
		if strings.EqualFold(r.Name, "prefix") && !strings.HasPrefix(key, r.Value) ||
			strings.EqualFold(r.Name, "suffix") && !strings.HasSuffix(key, r.Value) {
			return false
		}
	}
	return true
}

// putObject answers a PUT. Whoever is to be told of the object is told before
// the answer: when that fails, or the power goes, the client has no answer and
// puts the object again.
func (s *Store) putObject(w http.ResponseWriter, r *http.Request, bucket, key string) {
	answer := &held{ResponseWriter: w}
	size := r.ContentLength
	s.handler.ServeHTTP(answer, r)
	if answer.failed {
		return
	}
	object := made{bucket: bucket, key: key, etag: strings.Trim(w.Header().Get("ETag"), `"`), size: size, request: w.Header().Get(awsapi.RequestIDHeader)}
	object.source, _, _ = net.SplitHostPort(r.RemoteAddr)
	if p, ok := sts.PrincipalFrom(r.Context()); ok {
		object.who = p.UserID
	}
	if err := s.tell(r.Context(), object); err != nil {
		s.cfg.Logger.Error("object is stored and nobody was told of it", "bucket", bucket, "err", err)
		w.Header().Del("ETag")
		awsapi.WriteError(w, awsapi.S3XML, &awsapi.Error{Code: "InternalError", Status: http.StatusInternalServerError,
			Message: "a notification could not be sent: put the object again"})
		return
	}
	answer.release()
}

// held keeps a good answer back.
type held struct {
	http.ResponseWriter
	failed bool // and on its way
	status int
	body   bytes.Buffer
}

func (h *held) WriteHeader(status int) {
	if h.status = status; status >= http.StatusMultipleChoices {
		h.failed = true
		h.ResponseWriter.WriteHeader(status)
	}
}

func (h *held) Write(b []byte) (int, error) {
	if h.failed {
		return h.ResponseWriter.Write(b)
	}
	return h.body.Write(b)
}

func (h *held) release() {
	if h.status != 0 {
		h.ResponseWriter.WriteHeader(h.status)
	}
	_, _ = h.ResponseWriter.Write(h.body.Bytes())
}

// made is an object that was.
type made struct {
	bucket, key, etag    string
	size                 int64
	who, source, request string // unique id, address, id of the request
}

// tell sends the notifications of an object.
func (s *Store) tell(ctx context.Context, o made) error {
	for i, q := range s.notifications[o.bucket] {
		if !q.wants(o.key) {
			continue
		}
		body, err := s.notification(fmt.Sprintf("queue-%d", i), o)
		if err != nil {
			return err
		}
		if err := s.cfg.Queues.Send(context.WithoutCancel(ctx), q.Queue, body); err != nil {
			return fmt.Errorf("tell %s: %w", q.Queue, err)
		}
	}
	return nil
}

// notification is the text of a message.
// Source: S3 User Guide, "Event message structure".
func (s *Store) notification(configuration string, o made) (string, error) {
	type object = map[string]any
	raw, err := json.Marshal(object{"Records": []any{object{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": s.cfg.Region, "eventName": "ObjectCreated:Put",
		"eventTime":         s.cfg.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"userIdentity":      object{"principalId": "AWS:" + o.who},
		"requestParameters": object{"sourceIPAddress": o.source},
		"responseElements":  object{"x-amz-request-id": o.request, "x-amz-id-2": o.request},
		"s3": object{
			"s3SchemaVersion": "1.0", "configurationId": configuration,
			"bucket": object{"name": o.bucket, "ownerIdentity": object{"principalId": "EXAMPLE"}, "arn": "arn:aws:s3:::" + o.bucket},
			"object": object{
				"key": encodeKey(o.key), "size": o.size, "eTag": o.etag,
				"sequencer": fmt.Sprintf("%016X", s.cfg.Now().UnixNano()),
			},
		},
	}}})
	return string(raw), err
}

// encodeKey writes a key as S3 does in notifications: like a form's value,
// slashes as they are.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
