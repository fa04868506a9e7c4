package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInvokeKeepsTheEnvironmentWarm(t *testing.T) {
	s := start(t, config(t, function("f", nil)))
	res, first := invoke(t, s, "f", `{"text":"hello"}`)
	require.Equal(t, "hello", first.Text)
	require.Equal(t, res.RequestID, first.RequestID)
	require.Equal(t, arnPrefix+"f", first.ARN)
	require.Greater(t, first.RemainingMS, int64(0))
	require.LessOrEqual(t, first.RemainingMS, int64(20_000))

	for _, name := range []string{arnPrefix + "f", arnPrefix + "f:$LATEST", "f:$LATEST"} {
		_, next := invoke(t, s, name, `{}`)
		require.Equal(t, first.PID, next.PID)
	}
	_, last := invoke(t, s, "f", ``)
	require.Equal(t, int64(5), last.Invocations)
}

func TestFailures(t *testing.T) {
	short := function("short", nil)
	short.Timeout = 300 * time.Millisecond
	s := start(t, config(t, function("f", nil), short,
		function("exits", map[string]string{"AT_INIT": "exit"}),
		function("reports", map[string]string{"AT_INIT": "report"})))
	for _, tc := range []struct{ name, payload, kind, message string }{
		{"f", `{"do":"error"}`, "errorString", "it went wrong"},
		{"f", `{"do":"panic"}`, "string", "oh no"},
		{"f", `{"do":"exit"}`, "Runtime.ExitError", "Runtime exited with error: exit status 7"},
		{"f", `{"do":"big","size":6400000}`, "Function.ResponseSizeTooLarge", "Response payload size exceeded"},
		{"short", `{"do":"hang"}`, "Sandbox.Timedout", "Task timed out after 0.30 seconds"},
		{"exits", `{}`, "Runtime.ExitError", "exit status 3"},
		{"reports", `{}`, "Extension.Missing", "cannot start"},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			res, _ := invoke(t, s, tc.name, tc.payload)
			f := failureOf(t, res)
			require.Equal(t, tc.kind, f.Type)
			require.Contains(t, f.Message, tc.message)
			if tc.name == "f" || tc.name == "short" { // and it runs again afterwards
				_, a := invoke(t, s, tc.name, `{"text":"alive"}`)
				require.Equal(t, "alive", a.Text)
			}
		})
	}
}

func TestEnvironmentThatDiedWhileIdleIsReplaced(t *testing.T) {
	s := start(t, config(t, function("f", nil)))
	_, a := invoke(t, s, "f", `{"do":"exit-after"}`)
	require.Eventually(t, func() bool { return syscall.Kill(a.PID, 0) != nil }, time.Minute, time.Millisecond)
	_, b := invoke(t, s, "f", `{"text":"again"}`)
	require.Equal(t, "again", b.Text)
	require.NotEqual(t, a.PID, b.PID)
}

func TestTimeoutKillsChildrenToo(t *testing.T) {
	var log bytes.Buffer
	f := function("f", nil)
	f.Timeout = 500 * time.Millisecond
	cfg := config(t, f)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, cfg)
	invoke(t, s, "f", `{"do":"hang"}`)
	require.NoError(t, s.Close())
	match := regexp.MustCompile(`child (\d+)`).FindStringSubmatch(log.String())
	require.NotNil(t, match, log.String())
	child, err := strconv.Atoi(match[1])
	require.NoError(t, err)
	require.Eventually(t, func() bool { return gone(child) }, time.Minute, time.Millisecond)
}

// gone also counts a process that init has not yet reaped.
func gone(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestConcurrencyIsUsedAndBounded(t *testing.T) {
	f := function("f", map[string]string{"FILE": filepath.Join(t.TempDir(), "meet-")})
	f.MaxConcurrency = 2
	s := start(t, config(t, f))
	pids := map[int]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, who := range []string{"a", "b"} { // each waits for the other
		wg.Go(func() {
			_, a := invoke(t, s, "f", `{"do":"meet","text":"`+who+`"}`)
			mu.Lock()
			pids[a.PID] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	require.Len(t, pids, 2)
	for range 16 {
		wg.Go(func() {
			_, a := invoke(t, s, "f", `{}`)
			mu.Lock()
			pids[a.PID] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	require.Len(t, pids, 2)
}

func TestOnlyWhatLambdaSetsIsInTheEnvironment(t *testing.T) {
	t.Setenv("LEAK", "from the parent")
	f := function("f", map[string]string{"TABLE_NAME": "table"})
	s := start(t, config(t, f))
	_, a := invoke(t, s, "f", `{"do":"env"}`)
	env := map[string]string{}
	for _, pair := range a.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "PATH"} {
		require.NotEmpty(t, env[name], name)
		delete(env, name)
	}
	root, trace := filepath.Dir(bootstrap), env["_X_AMZN_TRACE_ID"]
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`, trace)
	require.Equal(t, map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "_HANDLER": "bootstrap",
		"LAMBDA_TASK_ROOT": root, "LAMBDA_RUNTIME_DIR": root,
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "AWS_LAMBDA_LOG_FORMAT": "Text",
		"AWS_ACCESS_KEY_ID": "key of " + f.Role, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "TABLE_NAME": "table",
		"_X_AMZN_TRACE_ID": trace, // set by the runtime from the header
	}, env)
}

func TestExpiringCredentialsReplaceTheEnvironment(t *testing.T) {
	cfg := config(t, function("f", nil))
	expires := time.Now().Add(time.Minute) // within the margin
	cfg.Credentials = func(context.Context, string) (string, string, string, time.Time, error) {
		return "k", "s", "t", expires, nil
	}
	s := start(t, cfg)
	_, a := invoke(t, s, "f", `{}`)
	expires = time.Now().Add(time.Hour)
	_, b := invoke(t, s, "f", `{}`)
	_, c := invoke(t, s, "f", `{}`)
	require.NotEqual(t, a.PID, b.PID)
	require.Equal(t, b.PID, c.PID)
}

func TestIdleEnvironmentsAreReaped(t *testing.T) {
	cfg := config(t, function("f", nil))
	cfg.IdleTimeout = 20 * time.Millisecond
	s := start(t, cfg)
	_, a := invoke(t, s, "f", `{}`)
	require.Eventually(t, func() bool { return syscall.Kill(a.PID, 0) != nil }, time.Minute, time.Millisecond)
}

func TestLogsBecomeRecords(t *testing.T) {
	var log bytes.Buffer
	cfg := config(t, function("f", nil))
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	s := start(t, cfg)
	invoke(t, s, "f", `{"do":"log","text":"words","size":100000}`)
	require.NoError(t, s.Close())
	var records []map[string]any
	for line := range strings.Lines(log.String()) {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Equal(t, "f", r["function"])
		delete(r, "time")
		records = append(records, r)
	}
	require.Contains(t, records, map[string]any{
		"level": "WARN", "msg": "function log", "function": "f", "stream": "stdout",
		"log": map[string]any{"msg": "from the function", "answer": 42.0},
	})
	require.Contains(t, records, map[string]any{
		"level": "INFO", "msg": "function log", "function": "f", "stream": "stderr", "line": "plain words",
	})
	require.Contains(t, records, map[string]any{
		"level": "INFO", "msg": "function log", "function": "f", "stream": "stdout",
		"line": strings.Repeat("y", maxLine), "cut": true,
	})
}

func TestRefusals(t *testing.T) {
	s := start(t, config(t, function("f", nil)))
	_, err := s.Invoke(t.Context(), "g", nil)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = s.Invoke(t.Context(), "f", []byte("{"))
	require.ErrorIs(t, err, ErrNotJSON)
	_, err = s.Invoke(t.Context(), "f", bytes.Repeat([]byte("1"), maxSyncBytes+1))
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorIs(t, s.InvokeAsync(t.Context(), "f", bytes.Repeat([]byte("1"), maxAsyncBytes+1)), ErrTooLarge)
	require.ErrorIs(t, s.InvokeAsync(t.Context(), "g", nil), ErrNotFound)

	require.NoError(t, s.Close())
	_, err = s.Invoke(t.Context(), "f", nil)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.InvokeAsync(t.Context(), "f", nil), ErrClosed)
}

func TestCredentialsFailureIsAnError(t *testing.T) {
	cfg := config(t, function("f", nil))
	refused := errors.New("role may not be assumed")
	cfg.Credentials = func(context.Context, string) (string, string, string, time.Time, error) {
		return "", "", "", time.Time{}, refused
	}
	_, err := start(t, cfg).Invoke(t.Context(), "f", nil)
	require.ErrorIs(t, err, refused)
}

func TestNewRefusesWhatCannotRun(t *testing.T) {
	missing := function("f", nil)
	missing.Path = filepath.Join(t.TempDir(), "bootstrap")
	_, err := New(config(t, missing))
	require.ErrorIs(t, err, ErrBadFunction)
	require.ErrorIs(t, err, os.ErrNotExist)

	text := function("f", nil)
	text.Path = filepath.Join(t.TempDir(), "bootstrap")
	require.NoError(t, os.WriteFile(text.Path, []byte("#!/bin/sh\n"), 0o600))
	_, err = New(config(t, text))
	require.ErrorContains(t, err, "not an executable file")

	_, err = New(config(t, function("f", nil), function("f", nil)))
	require.ErrorIs(t, err, ErrBadFunction)

	destined := function("f", nil)
	destined.Async.Destination = "arn:aws:sqs:us-east-1:000000000000:dead"
	_, err = New(config(t, destined))
	require.ErrorIs(t, err, ErrBadFunction)
}

func TestFunctionGoesOnWhenTheCallerLeaves(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meet-")
	s := start(t, config(t, function("f", map[string]string{"FILE": file})))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Invoke(ctx, "f", []byte(`{"do":"meet","text":"a"}`))
		done <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(file + "a"); return err == nil }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	invoke(t, s, "f", `{"do":"meet","text":"b"}`)
	require.Eventually(t, func() bool { _, err := os.Stat(file + "a-done"); return err == nil }, time.Minute, time.Millisecond)
}
