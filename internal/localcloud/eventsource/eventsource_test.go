package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/sqs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	arn      = "arn:aws:sqs:us-east-1:000000000000:"
	patience = 60 * time.Second
)

// machine is a queue with its dead letters, a mapping, and a function that does
// what the test says.
type machine struct {
	t      *testing.T
	queues *sqs.Service
	stop   func()

	mu      sync.Mutex
	clock   time.Time
	batches [][]events.SQSMessage
	deleted int
}

// deleting counts what the mapping deletes.
type deleting struct{ *machine }

func (d deleting) Receive(ctx context.Context, queueARN string, o sqs.ReceiveOptions) ([]sqs.Message, error) {
	return d.queues.Receive(ctx, queueARN, o)
}

func (d deleting) Delete(ctx context.Context, queueARN, handle string) error {
	err := d.queues.Delete(ctx, queueARN, handle)
	d.mu.Lock()
	d.deleted++
	d.mu.Unlock()
	return err
}

func (m *machine) now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.clock }

// later moves the queues' clock: what is hidden shows, once a receiver looks
// again because something has arrived.
func (m *machine) later(d time.Duration) {
	m.mu.Lock()
	m.clock = m.clock.Add(d)
	m.mu.Unlock()
}

type function func(batch []events.SQSMessage) (answer string, functionError string, err error)

func start(t *testing.T, p Properties, do function) *machine {
	t.Helper()
	m := &machine{t: t, clock: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	var err error
	m.queues, err = sqs.Open(sqs.Config{Dir: t.TempDir(), Endpoint: "http://127.0.0.1:4566", Now: m.now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.queues.Close() })
	visible := 30
	require.NoError(t, m.queues.Provision(arn+"q", sqs.Properties{
		VisibilityTimeout: &visible, RedrivePolicy: &sqs.Redrive{DeadLetterTargetArn: arn + "dlq", MaxReceiveCount: "3"},
	}))
	require.NoError(t, m.queues.Provision(arn+"dlq", sqs.Properties{}))
	p.EventSourceArn, p.FunctionName = arn+"q", "f"
	mapping, err := New(Config{
		Properties: p, Region: "us-east-1", Queues: deleting{m}, Log: slog.New(slog.DiscardHandler),
		Invoke: func(_ context.Context, function string, payload []byte) ([]byte, string, error) {
			var event events.SQSEvent
			if err := json.Unmarshal(payload, &event); err != nil || function != "f" {
				return nil, "", fmt.Errorf("function %s: %w", function, err)
			}
			m.mu.Lock()
			m.batches = append(m.batches, event.Records)
			m.mu.Unlock()
			answer, functionError, err := do(event.Records)
			return []byte(answer), functionError, err
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { mapping.Run(ctx) })
	m.stop = func() { cancel(); running.Wait() }
	t.Cleanup(m.stop)
	return m
}

func (m *machine) send(bodies ...string) {
	m.t.Helper()
	for _, body := range bodies {
		_, err := m.queues.Send(m.t.Context(), arn+"q", body, map[string]sqs.Attribute{
			"n": {DataType: "Number", StringValue: "7"}, "b": {DataType: "Binary", BinaryValue: []byte{1}},
		})
		require.NoError(m.t, err)
	}
}

// received returns how often each body was handed over.
func (m *machine) received() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := map[string]int{}
	for _, batch := range m.batches {
		for _, r := range batch {
			count[r.Body]++
		}
	}
	return count
}

func (m *machine) eventually(what string, ok func() bool) {
	m.t.Helper()
	require.Eventually(m.t, ok, patience, 2*time.Millisecond, what)
}

// left receives what a queue still shows.
func (m *machine) left(queue string) (bodies []string) {
	m.t.Helper()
	none := time.Duration(0)
	for {
		got, err := m.queues.Receive(m.t.Context(), arn+queue, sqs.ReceiveOptions{Max: 10, Wait: &none})
		require.NoError(m.t, err)
		if len(got) == 0 {
			return bodies
		}
		for _, r := range got {
			bodies = append(bodies, r.Body)
		}
	}
}

func TestMessagesAreHandedOverAndDeleted(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing": "", "null": "null", "an object": "{}", "no list": `{"batchItemFailures":null}`, "an empty list": `{"batchItemFailures":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			m := start(t, Properties{FunctionResponseTypes: []string{"ReportBatchItemFailures"}}, func([]events.SQSMessage) (string, string, error) {
				return answer, "", nil
			})
			m.send("a", "b", "c")
			m.eventually("all", func() bool { return len(m.received()) == 3 })
			m.stop()
			m.later(time.Hour)
			require.Empty(t, m.left("q"))
			require.Empty(t, m.left("dlq"))
			r := m.batches[0][0]
			require.Equal(t, "a", r.Body)
			require.Equal(t, "aws:sqs", r.EventSource)
			require.Equal(t, arn+"q", r.EventSourceARN)
			require.Equal(t, "us-east-1", r.AWSRegion)
			require.Equal(t, "0cc175b9c0f1b6a831c399e269772661", r.Md5OfBody)
			require.Equal(t, "7", *r.MessageAttributes["n"].StringValue)
			require.Equal(t, []byte{1}, r.MessageAttributes["b"].BinaryValue)
			require.Equal(t, "000000000000", r.Attributes["SenderId"])
			require.Equal(t, "1", r.Attributes["ApproximateReceiveCount"])
			require.Equal(t, "1795176000000", r.Attributes["SentTimestamp"])
		})
	}
}

// Only what the function names comes again, and after three receives goes to
// the dead letters.
func TestPartialFailures(t *testing.T) {
	m := start(t, Properties{FunctionResponseTypes: []string{"ReportBatchItemFailures"}}, func(batch []events.SQSMessage) (string, string, error) {
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, r := range batch {
			if r.Body == "poison" {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
			}
		}
		raw, err := json.Marshal(out)
		return string(raw), "", err
	})
	m.send("good", "poison", "fine")
	for n := 1; n <= 3; n++ {
		m.eventually("poison again, and the others deleted", func() bool {
			m.mu.Lock()
			deleted := m.deleted
			m.mu.Unlock()
			return m.received()["poison"] == n && deleted == n+1
		})
		m.later(31 * time.Second)
		m.send(fmt.Sprint("next ", n))
	}
	m.eventually("the last", func() bool { return m.received()["next 3"] == 1 })
	m.stop()
	m.later(time.Hour)
	require.Empty(t, m.left("q"))
	require.Equal(t, []string{"poison"}, m.left("dlq"))
	require.Equal(t, map[string]int{"good": 1, "poison": 3, "fine": 1, "next 1": 1, "next 2": 1, "next 3": 1}, m.received())
}

// Whatever else goes wrong, all of the batch comes again.
func TestWholeBatchesComeAgain(t *testing.T) {
	for name, fails := range map[string]function{
		"killed": func([]events.SQSMessage) (string, string, error) {
			return `{"errorType":"Runtime.ExitError"}`, "Unhandled", nil
		},
		"not run": func([]events.SQSMessage) (string, string, error) { return "", "", errors.New("no slot") },
		"no JSON": func([]events.SQSMessage) (string, string, error) { return `{"batchItemFailures":`, "", nil },
		"a text":  func([]events.SQSMessage) (string, string, error) { return `"fine"`, "", nil },
		"nobody": func([]events.SQSMessage) (string, string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":""}]}`, "", nil
		},
		"somebody else": func([]events.SQSMessage) (string, string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, "", nil
		},
		"wrong key": func([]events.SQSMessage) (string, string, error) {
			return `{"batchItemFailures":[{"id":"x"}]}`, "", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var once sync.Once
			m := start(t, Properties{FunctionResponseTypes: []string{"ReportBatchItemFailures"}}, func(batch []events.SQSMessage) (answer string, functionError string, err error) {
				once.Do(func() { answer, functionError, err = fails(batch) })
				return answer, functionError, err
			})
			m.send("a")
			m.eventually("the first time", func() bool { return m.received()["a"] == 1 })
			m.later(31 * time.Second)
			m.send("b")
			m.eventually("again", func() bool { return m.received()["a"] == 2 && m.received()["b"] == 1 })
			m.stop()
			m.later(time.Hour)
			require.Empty(t, m.left("q"))
		})
	}
}

// A function that cannot say what failed has done with the batch unless it fails.
func TestWithoutResponseTypesAnAnswerIsJustAnAnswer(t *testing.T) {
	m := start(t, Properties{}, func([]events.SQSMessage) (string, string, error) {
		return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, "", nil
	})
	m.send("a")
	m.eventually("it", func() bool { return m.received()["a"] == 1 })
	m.stop()
	m.later(time.Hour)
	require.Empty(t, m.left("q"))
}

func TestConcurrencyIsUsedAndBounded(t *testing.T) {
	p := Properties{BatchSize: 1}
	p.ScalingConfig.MaximumConcurrency = 3
	var mu sync.Mutex
	inside, most := 0, 0
	enter := make(chan struct{})
	m := start(t, p, func([]events.SQSMessage) (string, string, error) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		<-enter // until three are inside, then one by one
		mu.Lock()
		inside--
		mu.Unlock()
		return "", "", nil
	})
	for i := range 12 {
		m.send(fmt.Sprint(i))
	}
	m.eventually("three at once", func() bool { mu.Lock(); defer mu.Unlock(); return inside == 3 })
	for range 12 {
		enter <- struct{}{}
	}
	m.eventually("all", func() bool { return len(m.received()) == 12 })
	m.stop()
	require.Equal(t, 3, most)
	m.later(time.Hour)
	require.Empty(t, m.left("q"))
}

func TestBatchesAreAsLargeAsAllowed(t *testing.T) {
	release := make(chan struct{})
	p := Properties{BatchSize: 4, MaximumBatchingWindowInSeconds: 300}
	m := start(t, p, func([]events.SQSMessage) (string, string, error) { <-release; return "", "", nil })
	m.send("1", "2", "3", "4", "5", "6", "7", "8")
	m.eventually("two full batches", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return len(m.batches) == 2 })
	close(release)
	m.stop()
	for _, batch := range m.batches {
		require.Len(t, batch, 4)
	}
}

// What is under way when the machine stops gets a moment to finish; if that is
// not enough its messages stay.
func TestStopDoesNotWaitForever(t *testing.T) {
	m := start(t, Properties{}, nil)
	m.stop()
	blocked := make(chan struct{})
	mapping, err := New(Config{
		Properties: Properties{EventSourceArn: arn + "q", FunctionName: "f"}, Region: "us-east-1", Queues: m.queues, Log: slog.New(slog.DiscardHandler),
		Invoke: func(ctx context.Context, _ string, _ []byte) ([]byte, string, error) {
			close(blocked)
			<-ctx.Done()
			return nil, "", ctx.Err()
		},
	})
	require.NoError(t, err)
	m.send("a")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); mapping.Run(ctx) }()
	<-blocked
	cancel()
	<-done
	m.later(time.Hour)
	require.Equal(t, []string{"a"}, m.left("q"))
}

func TestDisabledMappingsDoNothing(t *testing.T) {
	off := false
	m := start(t, Properties{Enabled: &off}, nil)
	m.send("a")
	m.stop()
	require.Equal(t, []string{"a"}, m.left("q"))
}

func TestNewRefuses(t *testing.T) {
	good := Properties{EventSourceArn: arn + "q", FunctionName: "f"}
	for name, spoil := range map[string]func(*Properties){
		"no queue":    func(p *Properties) { p.EventSourceArn = "" },
		"no function": func(p *Properties) { p.FunctionName = "" },
		"batch":       func(p *Properties) { p.BatchSize = 11 },
		"negative":    func(p *Properties) { p.BatchSize = -1 },
		"window":      func(p *Properties) { p.MaximumBatchingWindowInSeconds = 301 },
		"concurrency": func(p *Properties) { p.ScalingConfig.MaximumConcurrency = 1 },
		"filter":      func(p *Properties) { p.FilterCriteria = map[string]any{} },
		"type":        func(p *Properties) { p.FunctionResponseTypes = []string{"Else"} },
	} {
		p := good
		spoil(&p)
		_, err := New(Config{Properties: p, Log: slog.New(slog.DiscardHandler)})
		require.ErrorIs(t, err, ErrMapping, name)
	}
}

func FuzzFailures(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"1"}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		m := &Mapping{partial: true}
		failed, err := m.failures(answer, []sqs.Message{{ID: "1"}, {ID: "2"}})
		if err == nil {
			require.LessOrEqual(t, len(failed), 2)
		}
	})
}
