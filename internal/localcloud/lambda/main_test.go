package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var bootstrap string // of testdata/function, built once

func TestMain(m *testing.M) {
	if queue := os.Getenv("QUEUE_OF_CHILD"); queue != "" {
		child(queue, os.Getenv("BOOTSTRAP_OF_CHILD"))
		return
	}
	code := func() int {
		dir, err := os.MkdirTemp("", "lambda")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bootstrap = filepath.Join(dir, "bootstrap")
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/function")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintln(os.Stderr, string(out), err)
			return 1
		}
		return m.Run()
	}()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code) //nolint:forbidigo // a TestMain is a main
}

const arnPrefix = "arn:aws:lambda:us-east-1:000000000000:function:"

func function(name string, env map[string]string) Function {
	return Function{
		Name: name, ARN: arnPrefix + name, Role: "arn:aws:iam::000000000000:role/" + name,
		Path: bootstrap, Env: env, Timeout: 20 * time.Second,
	}
}

func config(t *testing.T, functions ...Function) Config {
	return Config{
		Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Functions: functions,
		Endpoint: "http://127.0.0.1:4566", QueuePath: filepath.Join(t.TempDir(), "queue.db"),
		RetryDelay: time.Millisecond,
		Credentials: func(_ context.Context, role string) (string, string, string, time.Time, error) {
			return "key of " + role, "secret", "token", time.Time{}, nil
		},
	}
}

func start(t *testing.T, cfg Config) *Service {
	t.Helper()
	s, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

type answerBody struct {
	Text        string   `json:"text"`
	PID         int      `json:"pid"`
	Invocations int64    `json:"invocations"`
	RequestID   string   `json:"request_id"`
	ARN         string   `json:"arn"`
	RemainingMS int64    `json:"remaining_ms"`
	Env         []string `json:"env"`
}

func invoke(t *testing.T, s *Service, name, payload string) (Result, answerBody) {
	t.Helper()
	res, err := s.Invoke(t.Context(), name, []byte(payload))
	require.NoError(t, err)
	var a answerBody
	if res.FunctionError == "" {
		require.NoError(t, json.Unmarshal(res.Payload, &a), string(res.Payload))
	}
	return res, a
}

func failureOf(t *testing.T, res Result) Failure {
	t.Helper()
	require.Equal(t, "Unhandled", res.FunctionError, string(res.Payload))
	var f Failure
	require.NoError(t, json.Unmarshal(res.Payload, &f), string(res.Payload))
	return f
}
