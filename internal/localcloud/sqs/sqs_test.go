package sqs

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const arn = "arn:aws:sqs:us-east-1:000000000000:"

// hands is a clock that tests move.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.at }

func (h *hands) move(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.at = h.at.Add(d) }

func open(t *testing.T, properties string) (*Service, *hands) {
	t.Helper()
	clock := &hands{at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	s, err := Open(Config{Dir: t.TempDir(), Endpoint: "http://127.0.0.1:4566", Now: clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	var p Properties
	require.NoError(t, json.Unmarshal([]byte(properties), &p))
	require.NoError(t, s.Provision(arn+"q", p))
	require.NoError(t, s.Provision(arn+"dlq", Properties{}))
	require.NoError(t, s.Check())
	return s, clock
}

func receive(t *testing.T, s *Service, queue string, n int) []Message {
	t.Helper()
	out, err := s.Receive(t.Context(), arn+queue, ReceiveOptions{Max: n})
	require.NoError(t, err)
	return out
}

func send(t *testing.T, s *Service, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		_, err := s.Send(t.Context(), arn+"q", b, nil)
		require.NoError(t, err)
	}
}

func TestVisibility(t *testing.T) {
	s, clock := open(t, `{"VisibilityTimeout":30}`)
	send(t, s, "a", "b", "c")
	first := receive(t, s, "q", 2)
	require.Equal(t, []string{"a", "b"}, []string{first[0].Body, first[1].Body}, "oldest first")
	require.Len(t, receive(t, s, "q", 10), 1, "received messages are hidden")
	require.NoError(t, s.Delete(t.Context(), arn+"q", first[0].ReceiptHandle))
	clock.move(30 * time.Second)
	again := receive(t, s, "q", 10)
	require.Len(t, again, 2, "what was not deleted comes back")
	require.Equal(t, 2, again[0].Receives)
	require.NoError(t, s.Delete(t.Context(), arn+"q", first[1].ReceiptHandle), "an old handle")
	clock.move(30 * time.Second)
	require.Len(t, receive(t, s, "q", 10), 2, "has no effect")
	require.Error(t, s.Delete(t.Context(), arn+"q", "garbage"))
}

func TestRedrive(t *testing.T) {
	s, clock := open(t, `{"RedrivePolicy":{"deadLetterTargetArn":"`+arn+`dlq","maxReceiveCount":"3"}}`)
	send(t, s, "poison")
	for range 3 {
		require.Len(t, receive(t, s, "q", 1), 1)
		clock.move(time.Minute)
	}
	require.Empty(t, receive(t, s, "dlq", 1))
	require.Empty(t, receive(t, s, "q", 1))
	dead := receive(t, s, "dlq", 1)
	require.Len(t, dead, 1)
	require.Equal(t, "poison", dead[0].Body)
	clock.move(time.Hour)
	require.Empty(t, receive(t, s, "q", 1))
}

func TestDelayAndRetention(t *testing.T) {
	s, clock := open(t, `{"DelaySeconds":10,"MessageRetentionPeriod":60}`)
	send(t, s, "a")
	require.Empty(t, receive(t, s, "q", 1))
	clock.move(10 * time.Second)
	require.Len(t, receive(t, s, "q", 1), 1)
	clock.move(51 * time.Second)
	require.Empty(t, receive(t, s, "q", 1), "older than its retention")
	visible, inFlight, delayed, err := s.counts(s.queues["q"])
	require.NoError(t, err)
	require.Zero(t, visible+inFlight+delayed)
}

func TestSweepRemovesWhatNobodyReads(t *testing.T) {
	s, clock := open(t, `{"MessageRetentionPeriod":60}`)
	send(t, s, "old", "old too")
	clock.move(61 * time.Second)
	send(t, s, "new")
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "new", receive(t, s, "q", 10)[0].Body)
	n, err = s.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestLongPollWakesOnArrivalAndOnCancel(t *testing.T) {
	s, _ := open(t, `{"ReceiveMessageWaitTimeSeconds":20}`)
	got := make(chan []Message, 1)
	go func() {
		out, _ := s.Receive(context.WithoutCancel(t.Context()), arn+"q", ReceiveOptions{})
		got <- out
	}()
	send(t, s, "late")
	require.Equal(t, "late", (<-got)[0].Body)

	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := s.Receive(ctx, arn+"q", ReceiveOptions{})
		failed <- err
	}()
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
}

func TestConcurrentReceiversShareNothing(t *testing.T) {
	s, _ := open(t, `{}`)
	for range 40 {
		send(t, s, "x")
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				out, err := s.Receive(context.WithoutCancel(t.Context()), arn+"q", ReceiveOptions{})
				if err != nil || len(out) != 1 {
					return
				}
				mu.Lock()
				seen[out[0].ID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 40)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func TestRefuses(t *testing.T) {
	s, _ := open(t, `{}`)
	_, err := s.Send(t.Context(), arn+"nope", "x", nil)
	require.ErrorContains(t, err, "QueueDoesNotExist")
	for _, body := range []string{"", strings.Repeat("x", maxBody+1)} {
		_, err = s.Send(t.Context(), arn+"q", body, nil)
		require.ErrorContains(t, err, "InvalidParameterValue")
	}
	wait := 21 * time.Second
	for _, o := range []ReceiveOptions{{Max: 11}, {Wait: &wait}} {
		_, err = s.Receive(t.Context(), arn+"q", o)
		require.ErrorContains(t, err, "InvalidParameterValue")
	}
	require.ErrorIs(t, s.Provision(arn+"q.fifo", Properties{}), ErrUnsupported)
	require.NoError(t, s.Provision(arn+"lost", Properties{RedrivePolicy: &Redrive{DeadLetterTargetArn: arn + "none", MaxReceiveCount: "1"}}))
	require.ErrorContains(t, s.Check(), `"none"`)
	require.Error(t, s.Provision(arn+"bad", Properties{RedrivePolicy: &Redrive{DeadLetterTargetArn: arn + "dlq", MaxReceiveCount: "0"}}))
}

// FuzzForm: any form is a request or a refusal, and its lists stay bounded.
func FuzzForm(f *testing.F) {
	f.Add("Action=SendMessage&MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.BinaryValue=AA==")
	f.Add("SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.2.Id=b&DelaySeconds=x")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			t.Skip("not a form: the front door refuses it before SQS sees it")
		}
		if in, err := decodeForm(form); err == nil {
			require.LessOrEqual(t, len(in.Entries), 3*(maxBatch+1))
		}
	})
}

func FuzzHandle(f *testing.F) {
	f.Add(encodeHandle(sequenceKey(1), "id", "nonce"))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, handle string) {
		if key, _, _, ok := decodeHandle(handle); ok {
			require.Len(t, key, 8)
		}
	})
}

func TestPurgeLeavesNothing(t *testing.T) {
	s, _ := open(t, `{}`)
	for range 500 {
		send(t, s, strings.Repeat("x", 200))
	}
	q, err := s.find(arn + "q")
	require.NoError(t, err)
	require.NoError(t, s.purge(q))
	visible, inFlight, delayed, err := s.counts(q)
	require.NoError(t, err)
	require.Zero(t, visible+inFlight+delayed)
}
