package lambda

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return strings.Fields(string(b))
}

func (q *queue) waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

func drained(t *testing.T, s *Service) {
	t.Helper()
	require.Eventually(t, func() bool { return s.queue.waiting() == 0 }, time.Minute, time.Millisecond)
}

func TestAsyncRunsEveryInvocation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	s := start(t, config(t, function("f", map[string]string{"FILE": file})))
	var want []string
	var wg sync.WaitGroup
	for i := range 40 {
		text := strconv.Itoa(i)
		want = append(want, text)
		wg.Go(func() {
			require.NoError(t, s.InvokeAsync(t.Context(), arnPrefix+"f", []byte(`{"do":"append","text":"`+text+`"}`)))
		})
	}
	wg.Wait()
	drained(t, s)
	require.ElementsMatch(t, want, lines(t, file))
}

func TestAsyncRetriesThenGoesToTheDestination(t *testing.T) {
	const dead = "arn:aws:sqs:us-east-1:000000000000:dead"
	none, old := 0, function("old", nil)
	old.Async = AsyncConfig{MaxAge: time.Nanosecond, Destination: dead}
	once, thrice, f := function("once", nil), function("thrice", nil), function("silent", nil)
	once.Async = AsyncConfig{Retries: &none, Destination: dead}
	thrice.Async.Destination = dead
	cfg := config(t, f, once, thrice, old)
	type sent struct {
		to     string
		record map[string]any
	}
	got := make(chan sent, 10)
	refusals := make(chan struct{}, 1)
	refusals <- struct{}{} // the destination refuses the first time
	cfg.OnFailure = func(_ context.Context, to string, record []byte) error {
		select {
		case <-refusals:
			return errors.New("queue is away")
		default:
		}
		var r map[string]any
		if err := json.Unmarshal(record, &r); err != nil {
			return err
		}
		got <- sent{to, r}
		return nil
	}
	s := start(t, cfg)
	for _, tc := range []struct {
		name, condition string
		attempts        float64
	}{{"thrice", "RetriesExhausted", 3}, {"once", "RetriesExhausted", 1}, {"old", "EventAgeExceeded", 0}} {
		require.NoError(t, s.InvokeAsync(t.Context(), tc.name, []byte(`{"do":"error","text":"x"}`)))
		r := <-got
		require.Equal(t, dead, r.to)
		require.Equal(t, "1.0", r.record["version"])
		_, err := time.Parse("2006-01-02T15:04:05.000Z", r.record["timestamp"].(string))
		require.NoError(t, err)
		rc := r.record["requestContext"].(map[string]any)
		require.Len(t, rc["requestId"], 36)
		delete(rc, "requestId")
		require.Equal(t, map[string]any{
			"functionArn": arnPrefix + tc.name + ":$LATEST", "condition": tc.condition, "approximateInvokeCount": tc.attempts,
		}, rc)
		require.Equal(t, map[string]any{"do": "error", "text": "x"}, r.record["requestPayload"])
		if tc.attempts > 0 {
			require.Equal(t, map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"}, r.record["responseContext"])
			require.Equal(t, "it went wrong", r.record["responsePayload"].(map[string]any)["errorMessage"])
		} else {
			require.NotContains(t, r.record, "responsePayload")
		}
	}
	require.NoError(t, s.InvokeAsync(t.Context(), "silent", []byte(`{"do":"error"}`)))
	drained(t, s)
	require.Empty(t, got)
}

func TestAsyncSucceedsOnARetry(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	cfg := config(t, function("f", map[string]string{"FILE": file}))
	cfg.RetryDelay = 50 * time.Millisecond
	s := start(t, cfg)
	require.NoError(t, s.InvokeAsync(t.Context(), "f", []byte(`{"do":"fail-unless"}`)))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	drained(t, s)
}

func TestQueueIsBounded(t *testing.T) {
	cfg := config(t, function("f", nil))
	cfg.QueueBytes = 1000
	cfg.Credentials = func(context.Context, string) (string, string, string, time.Time, error) {
		return "", "", "", time.Time{}, errors.New("not now")
	}
	s := start(t, cfg)
	payload := []byte(`"` + strings.Repeat("x", 398) + `"`)
	require.NoError(t, s.InvokeAsync(t.Context(), "f", payload))
	require.NoError(t, s.InvokeAsync(t.Context(), "f", payload))
	require.ErrorIs(t, s.InvokeAsync(t.Context(), "f", payload), ErrQueueFull)
}

func TestQueueInUseIsNamed(t *testing.T) {
	cfg := config(t)
	start(t, cfg)
	_, err := New(cfg)
	require.ErrorContains(t, err, "in use by another process")
}

func TestQueueThatIsNoQueue(t *testing.T) {
	cfg := config(t)
	require.NoError(t, os.WriteFile(cfg.QueuePath, []byte(strings.Repeat("not a queue ", 10_000)), 0o600))
	_, err := New(cfg)
	require.ErrorContains(t, err, cfg.QueuePath)
}

// child is run in a process of its own that is killed: it accepts invocations
// whose function cannot start, and says how many are safe.
func child(queue, path string) {
	f := Function{Name: "f", ARN: arnPrefix + "f", Path: path}
	s, err := New(Config{
		Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Functions: []Function{f}, QueuePath: queue,
		Credentials: func(context.Context, string) (string, string, string, time.Time, error) {
			return "", "", "", time.Time{}, errors.New("not in this process")
		},
	})
	for i := 0; err == nil; i++ {
		if err = s.InvokeAsync(context.Background(), "f", fmt.Appendf(nil, `{"do":"append","text":"%d"}`, i)); err == nil {
			fmt.Fprintln(os.Stdout, i)
		}
	}
	fmt.Fprintln(os.Stdout, err)
}

func TestAcceptedInvocationsSurviveAKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	cfg := config(t, function("f", map[string]string{"FILE": file}))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "QUEUE_OF_CHILD="+cfg.QueuePath, "BOOTSTRAP_OF_CHILD="+bootstrap)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var safe []string
	for scan := bufio.NewScanner(out); len(safe) < 25 && scan.Scan(); {
		safe = append(safe, scan.Text())
	}
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Len(t, safe, 25, safe)

	s := start(t, cfg)
	drained(t, s)
	got := lines(t, file)
	for _, text := range safe {
		require.Contains(t, got, text)
	}
	slices.Sort(got)
	require.Len(t, slices.Compact(got), len(got), "delivered once when nothing failed")
}

func TestInvocationsOfAFunctionThatIsGoneAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	f := function("f", map[string]string{"FILE": file})
	cfg := config(t, f)
	cfg.Credentials = func(context.Context, string) (string, string, string, time.Time, error) {
		return "", "", "", time.Time{}, errors.New("not now")
	}
	s := start(t, cfg)
	require.NoError(t, s.InvokeAsync(t.Context(), "f", []byte(`{"do":"append","text":"kept"}`)))
	require.NoError(t, s.Close())

	without := config(t)
	without.QueuePath = cfg.QueuePath
	require.NoError(t, start(t, without).Close())

	again := config(t, f)
	again.QueuePath = cfg.QueuePath
	drained(t, start(t, again))
	require.Equal(t, []string{"kept"}, lines(t, file))
}

// benchService runs one function, with what a benchmark needs.
func benchService(b *testing.B) *Service {
	b.Helper()
	s, err := New(Config{
		Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Functions: []Function{function("f", nil)},
		QueuePath: filepath.Join(b.TempDir(), "queue.db"),
		Credentials: func(context.Context, string) (string, string, string, time.Time, error) {
			return "k", "s", "t", time.Time{}, nil
		},
	})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

// BenchmarkInvokeAsync measures acceptance (payload on disk) by 8 callers
// while the function takes the invocations, and until all have run.
func BenchmarkInvokeAsync(b *testing.B) {
	s := benchService(b)
	b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
	payload := []byte(`{"text":"` + strings.Repeat("x", 500) + `"}`)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.InvokeAsync(context.Background(), "f", payload); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepted/s")
	for s.queue.waiting() > 0 {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "delivered/s")
}

func BenchmarkInvoke(b *testing.B) {
	s := benchService(b)
	for b.Loop() {
		if _, err := s.Invoke(context.Background(), "f", []byte(`{}`)); err != nil {
			b.Fatal(err)
		}
	}
}
