package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/edge/linktest"
	"porchlight/internal/edge/update/jobs"
	"porchlight/internal/edge/update/jobs/jobstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second // only ever reached by a failing test

func start(t *testing.T) (*jobs.Client, *jobstest.Service, *linktest.Broker) {
	t.Helper()
	broker := &linktest.Broker{}
	ctx, cancel := context.WithCancel(t.Context())
	service := jobstest.Serve(ctx, broker, "home")
	c := jobs.New(jobs.Config{Thing: "home", Link: broker, Log: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	<-c.Up()
	return c, service, broker
}

func TestAJobFromStartToEnd(t *testing.T) {
	c, service, _ := start(t)
	_, err := c.StartNext(t.Context())
	require.ErrorIs(t, err, jobs.ErrNoJob)
	<-c.News()
	service.Add(t.Context(), "job-1", map[string]any{"porchlight": 1})
	<-c.News()
	e, err := c.StartNext(t.Context())
	require.NoError(t, err)
	require.Equal(t, "job-1", e.JobID)
	require.Equal(t, jobs.InProgress, e.Status)
	require.JSONEq(t, `{"porchlight":1}`, string(e.Document))
	require.NoError(t, c.Update(t.Context(), e, jobs.InProgress, map[string]string{"step": "download", "note": "a\x00b\n", "empty": " "}))
	require.Equal(t, map[string]string{"step": "download", "note": "a b"}, service.Get("job-1").Details)
	again, err := c.StartNext(t.Context())
	require.NoError(t, err)
	require.Equal(t, e.Version, again.Version, "what is in progress comes first")
	require.NoError(t, c.Update(t.Context(), e, jobs.Failed, map[string]string{"reason": strings.Repeat("ü", 2000)}))
	require.Len(t, []rune(service.Get("job-1").Details["reason"]), 1024)
	require.ErrorIs(t, c.Update(t.Context(), e, jobs.InProgress, nil), jobs.ErrGone)
	_, err = c.StartNext(t.Context())
	require.ErrorIs(t, err, jobs.ErrNoJob)
}

func TestVersionsThatDiffer(t *testing.T) {
	c, service, _ := start(t)
	service.Add(t.Context(), "job", 1)
	e, err := c.StartNext(t.Context())
	require.NoError(t, err)
	e.Version = 77
	require.NoError(t, c.Update(t.Context(), e, jobs.InProgress, nil))
	require.Equal(t, service.Get("job").Version, e.Version)
}

// An answer that was lost is no reason to report twice, nor to fail.
func TestLostAnswers(t *testing.T) {
	c, service, _ := start(t)
	service.Add(t.Context(), "job", 1)
	e, err := c.StartNext(t.Context())
	require.NoError(t, err)
	for i, status := range []jobs.Status{jobs.InProgress, jobs.Succeeded} {
		service.LoseAnswers(1)
		ctx, giveUp := context.WithCancel(t.Context())
		asking := make(chan error, 1)
		go func() { asking <- c.Update(ctx, e, status, nil) }()
		require.Eventually(t, func() bool { return len(service.Get("job").History) == 2*i+1 }, patience, time.Millisecond)
		giveUp()
		require.ErrorIs(t, <-asking, context.Canceled)
		require.NoError(t, c.Update(t.Context(), e, status, nil))
	}
	require.Len(t, service.Get("job").History, 3)
}

func TestNoAnswer(t *testing.T) {
	broker := &linktest.Broker{}
	c := jobs.New(jobs.Config{Thing: "home", Link: broker, Timeout: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	_, err := c.StartNext(t.Context())
	require.ErrorIs(t, err, jobs.ErrNoAnswer)
}

func TestJobsThatAreOver(t *testing.T) {
	c, service, _ := start(t)
	service.Add(t.Context(), "job", 1)
	e, err := c.StartNext(t.Context())
	require.NoError(t, err)
	service.Cancel(t.Context(), "job")
	require.ErrorIs(t, c.Update(t.Context(), e, jobs.Succeeded, nil), jobs.ErrGone)
	require.ErrorIs(t, c.Update(t.Context(), &jobs.Execution{JobID: "never"}, jobs.Failed, nil), jobs.ErrGone)
}

func TestOffline(t *testing.T) {
	c, service, broker := start(t)
	broker.SetOffline(true)
	_, err := c.StartNext(t.Context())
	require.ErrorIs(t, err, linktest.ErrOffline)
	drain(c)
	broker.SetOffline(false)
	<-c.News()
	service.Add(t.Context(), "job", 1)
	_, err = c.StartNext(t.Context())
	require.NoError(t, err)
}

func drain(c *jobs.Client) {
	select {
	case <-c.News():
	default:
	}
}

func TestAnswersThatAreNonsense(t *testing.T) {
	c, _, broker := start(t)
	for _, payload := range []string{"", "[]", `{"clientToken":"x"}`, `{"execution":5}`} {
		require.NoError(t, broker.Publish(t.Context(), "$aws/things/home/jobs/start-next/accepted", []byte(payload)))
	}
	_, err := c.StartNext(t.Context())
	require.ErrorIs(t, err, jobs.ErrNoJob)
}

// deaf is a link that cannot subscribe.
type deaf struct{ linktest.Broker }

func (*deaf) Subscribe(context.Context, string, func(string, []byte), func()) error {
	return errors.New("not authorized")
}

func TestNoSubscription(t *testing.T) {
	c := jobs.New(jobs.Config{Thing: "home", Link: &deaf{}, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, c.Run(t.Context()), "not authorized")
}
