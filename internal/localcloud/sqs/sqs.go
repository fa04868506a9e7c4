package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"porchlight/internal/localcloud/awsapi"
)

// Limits and defaults of the service, as documented by AWS.
const (
	maxBody           = 256 << 10 // bytes of one message, attributes included
	maxBatch          = 10
	maxWait           = 20 * time.Second
	maxVisibility     = 12 * time.Hour
	defaultVisibility = 30 * time.Second
	defaultRetention  = 4 * 24 * time.Hour
)

// ErrUnsupported means that a queue asks for what the local service does not do.
var ErrUnsupported = errors.New("queue property is not supported by the local SQS")

// errNoQueue: no template declares the queue.
func errNoQueue(name string) error {
	return &awsapi.Error{Code: "com.amazonaws.sqs#QueueDoesNotExist", QueryCode: "AWS.SimpleQueueService.NonExistentQueue",
		Status: http.StatusBadRequest, Message: fmt.Sprintf("no queue %q: queues are declared in the template", name)}
}

// Config says where messages live and what queue URLs start with.
type Config struct {
	Dir      string           // made if missing; holds queues.db
	Endpoint string           // base URL of the front door, for queue URLs
	Now      func() time.Time // time.Now when nil
}

// Properties is what is honored of AWS::SQS::Queue; times are in seconds.
type Properties struct {
	QueueName                     string
	VisibilityTimeout             *int
	MessageRetentionPeriod        int
	DelaySeconds                  int
	ReceiveMessageWaitTimeSeconds int
	FifoQueue                     bool
	RedrivePolicy                 *Redrive
}

// Redrive moves a message elsewhere once it was received too often.
type Redrive struct {
	DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
	MaxReceiveCount     json.Number `json:"maxReceiveCount"`
}

type queue struct {
	name, arn        string
	visibility       time.Duration
	retention, delay time.Duration
	wait             time.Duration
	deadLetter       string // queue name, empty: none
	maxReceives      int
	properties       Properties
	mu               sync.Mutex
	arrived          chan struct{} // closed and replaced when a message may have become receivable
}

// Service holds the queues. It is safe for concurrent use once provisioned.
type Service struct {
	cfg    Config
	db     *bolt.DB
	queues map[string]*queue
}

// Open opens the messages in cfg.Dir.
func Open(cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	path := filepath.Join(cfg.Dir, "queues.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("queues: open %s (is another local cloud using it?): %w", path, err)
	}
	return &Service{cfg: cfg, db: db, queues: map[string]*queue{}}, nil
}

// Close flushes and closes the queues.
func (s *Service) Close() error { return s.db.Close() }

// Provision declares a queue; messages it already holds stay. Call it before serving starts.
func (s *Service) Provision(arn string, p Properties) error {
	name := arn[strings.LastIndex(arn, ":")+1:]
	if p.FifoQueue || strings.HasSuffix(name, ".fifo") {
		return fmt.Errorf("%w: FifoQueue of %s", ErrUnsupported, name)
	}
	q := &queue{name: name, arn: arn, properties: p, arrived: make(chan struct{}),
		visibility: defaultVisibility, retention: defaultRetention,
		delay: time.Duration(p.DelaySeconds) * time.Second, wait: time.Duration(p.ReceiveMessageWaitTimeSeconds) * time.Second}
	if p.VisibilityTimeout != nil {
		q.visibility = time.Duration(*p.VisibilityTimeout) * time.Second
	}
	if p.MessageRetentionPeriod > 0 {
		q.retention = time.Duration(p.MessageRetentionPeriod) * time.Second
	}
	if r := p.RedrivePolicy; r != nil {
		n, err := r.MaxReceiveCount.Int64()
		if err != nil || n < 1 || r.DeadLetterTargetArn == "" {
			return fmt.Errorf("redrive policy of %s: wants deadLetterTargetArn and a positive maxReceiveCount", name)
		}
		q.deadLetter = r.DeadLetterTargetArn[strings.LastIndex(r.DeadLetterTargetArn, ":")+1:]
		q.maxReceives = int(n)
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(name))
		return err
	})
	if err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	s.queues[name] = q
	return nil
}

// Check reports redrive policies that point to no queue; call it after the last Provision.
func (s *Service) Check() error {
	for _, q := range s.queues {
		if q.deadLetter == "" {
			continue
		}
		if _, ok := s.queues[q.deadLetter]; !ok {
			return fmt.Errorf("redrive policy of queue %s: %w", q.name, errNoQueue(q.deadLetter))
		}
	}
	return nil
}

// find accepts a queue's name, ARN or URL.
func (s *Service) find(id string) (*queue, error) {
	name := id[strings.LastIndexAny(id, "/:")+1:]
	q, ok := s.queues[name]
	if !ok {
		return nil, errNoQueue(name)
	}
	return q, nil
}

// Visibility is how long a message of a queue is hidden once it is received.
func (s *Service) Visibility(queueARN string) (time.Duration, error) {
	q, err := s.find(queueARN)
	if err != nil {
		return 0, err
	}
	return q.visibility, nil
}

// URL returns the address of a queue, made of the endpoint, the account in its ARN and its name.
func (s *Service) url(q *queue) string {
	parts := strings.Split(q.arn, ":")
	return strings.TrimSuffix(s.cfg.Endpoint, "/") + "/" + parts[len(parts)-2] + "/" + q.name
}

// wake lets waiting receivers look again.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.arrived)
	q.arrived = make(chan struct{})
}

func (q *queue) next() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.arrived
}
