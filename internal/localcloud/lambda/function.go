package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What AWS allows or does where a function does not say otherwise.
const (
	defaultTimeout     = 3 * time.Second
	defaultMemoryMB    = 128
	defaultConcurrency = 8 // of which only those that the load asks for are started
	defaultRetries     = 2
	defaultEventAge    = 6 * time.Hour

	maxSyncBytes     = 6 << 20     // request payload, RequestResponse
	maxAsyncBytes    = 1 << 20     // request payload, Event
	maxResponseBytes = 6<<20 + 100 // what a runtime may post back
	maxInit          = 10 * time.Second
)

// Errors that callers tell apart. A function that fails is not one of them:
// see Result.FunctionError.
var (
	ErrNotFound    = errors.New("no such function")
	ErrTooLarge    = errors.New("payload too large")
	ErrNotJSON     = errors.New("payload is not JSON")
	ErrQueueFull   = errors.New("queue of asynchronous invocations is full")
	ErrClosed      = errors.New("lambda service is closed")
	ErrBadFunction = errors.New("function cannot be run")
)

// Function is one function to run.
type Function struct {
	Name string // FunctionName
	ARN  string // unqualified
	Role string // ARN handed to Config.Credentials
	Path string // the bootstrap executable
	Env  map[string]string

	Timeout        time.Duration // 0: 3 s
	MemorySize     int           // MB, told to the function, not enforced; 0: 128
	MaxConcurrency int           // environments at the same time; 0: 8

	LogFormat, LogLevel string // told to the function; empty: Text and no level
	LogGroup            string // empty: /aws/lambda/<name>

	Async AsyncConfig
}

// AsyncConfig is what AWS::Lambda::EventInvokeConfig sets.
type AsyncConfig struct {
	Retries     *int          // MaximumRetryAttempts, 0 to 2; nil: 2
	MaxAge      time.Duration // MaximumEventAgeInSeconds; 0: 6 h
	Destination string        // OnFailure.Destination, an ARN; empty: failures are only logged
}

func (f Function) withDefaults() (Function, error) {
	if f.Name == "" || f.ARN == "" {
		return f, fmt.Errorf("%w: it needs a name and an ARN", ErrBadFunction)
	}
	path, err := filepath.Abs(f.Path)
	if err != nil {
		return f, fmt.Errorf("%w: %s: %w", ErrBadFunction, f.Name, err)
	}
	f.Path = path
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return f, fmt.Errorf("%w: %s has no bootstrap, build it first: %w", ErrBadFunction, f.Name, err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return f, fmt.Errorf("%w: %s: %s is not an executable file", ErrBadFunction, f.Name, path)
	}
	if f.Timeout <= 0 {
		f.Timeout = defaultTimeout
	}
	if f.MemorySize <= 0 {
		f.MemorySize = defaultMemoryMB
	}
	if f.MaxConcurrency <= 0 {
		f.MaxConcurrency = defaultConcurrency
	}
	if f.Async.Retries == nil {
		n := defaultRetries
		f.Async.Retries = &n
	}
	if f.Async.MaxAge <= 0 {
		f.Async.MaxAge = defaultEventAge
	}
	return f, nil
}

// functionName turns what callers may name a function by (name, ARN, partial
// ARN, each with or without :$LATEST) into its name.
func functionName(ref string) string {
	ref = strings.TrimSuffix(ref, ":$LATEST")
	if i := strings.LastIndex(ref, ":"); i >= 0 {
		return ref[i+1:]
	}
	return ref
}
