package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var errNotDelivered = errors.New("environment ended before it took the payload")

// environment is one bootstrap process with its own Runtime API.
type environment struct {
	fn        Function
	expires   time.Time // of its credentials; zero: never
	idleSince time.Time // guarded by the pool

	cmd    *exec.Cmd
	server *http.Server
	api    *runtimeAPI
	exited chan struct{} // closed once the process is gone
	status error         // of the process; read after exited
	once   sync.Once
	wg     sync.WaitGroup
}

func startEnvironment(ctx context.Context, fn Function, env []string, expires time.Time, logger *slog.Logger) (*environment, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API of function %s: %w", fn.Name, err)
	}
	e := &environment{fn: fn, expires: expires, exited: make(chan struct{}), api: newRuntimeAPI(fn)}
	e.server = &http.Server{Handler: e.api.handler(), ReadHeaderTimeout: maxInit}

	stdout := newLineWriter(ctx, logger.With("function", fn.Name, "stream", "stdout"))
	stderr := newLineWriter(ctx, logger.With("function", fn.Name, "stream", "stderr"))
	// Not CommandContext: it would kill the process alone, not its group.
	e.cmd = exec.Command(fn.Path) //nolint:noctx // stop kills the whole group
	e.cmd.Dir = filepath.Dir(fn.Path)
	e.cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+ln.Addr().String())
	e.cmd.Stdout, e.cmd.Stderr = stdout, stderr
	e.cmd.WaitDelay = time.Second
	// Its own group so that its children die with it, and the kernel kills it
	// should this process be killed.
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		ln.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrBadFunction, fn.Name, err)
	}
	e.wg.Go(func() { _ = e.server.Serve(ln) })
	e.wg.Go(func() {
		e.status = e.cmd.Wait()
		e.killGroup() // what it may have started
		stdout.flush()
		stderr.flush()
		close(e.exited)
	})
	return e, nil
}

// invoke hands the payload over and waits for the answer, the process's end or
// the function's timeout, whichever is first.
func (e *environment) invoke(ctx context.Context, requestID string, payload []byte) (Result, error) {
	inv := &invocation{id: requestID, payload: payload, done: make(chan Result, 1)}
	init := time.NewTimer(maxInit)
	defer init.Stop()
	select {
	case e.api.work <- inv:
	case failure := <-e.api.initFailed:
		e.stop()
		return functionError(requestID, failure), nil
	case <-e.exited:
		select {
		case failure := <-e.api.initFailed:
			return functionError(requestID, failure), nil
		default:
		}
		if e.api.initialized() {
			return Result{}, errNotDelivered
		}
		return e.exitResult(requestID), nil
	case <-init.C:
		e.stop()
		return timedOut(requestID, maxInit), nil
	case <-ctx.Done():
		return Result{}, ErrClosed
	}
	timeout := time.NewTimer(e.fn.Timeout)
	defer timeout.Stop()
	select {
	case res := <-inv.done:
		return res, nil
	case <-e.exited:
		select { // the answer may have been posted just before the end
		case res := <-inv.done:
			return res, nil
		default:
			return e.exitResult(requestID), nil
		}
	case <-timeout.C:
		e.stop()
		return timedOut(requestID, e.fn.Timeout), nil
	case <-ctx.Done():
		return Result{}, ErrClosed
	}
}

func (e *environment) exitResult(requestID string) Result {
	reason := "Runtime exited without providing a reason"
	if e.status != nil {
		reason = "Runtime exited with error: " + e.status.Error()
	}
	return functionError(requestID, Failure{Type: "Runtime.ExitError", Message: "RequestId: " + requestID + " Error: " + reason})
}

func timedOut(requestID string, after time.Duration) Result {
	return functionError(requestID, Failure{
		Type:    "Sandbox.Timedout",
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, after.Seconds()),
	})
}

// Failure is the body AWS answers with when a function fails.
type Failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func functionError(requestID string, f Failure) Result {
	body, _ := json.Marshal(f) // two strings always marshal
	return Result{RequestID: requestID, Payload: body, FunctionError: "Unhandled"}
}

// alive asks the kernel, which knows of an end before exited is closed.
func (e *environment) alive() bool {
	select {
	case <-e.exited:
		return false
	default:
		var end unix.Siginfo
		err := unix.Waitid(unix.P_PID, e.cmd.Process.Pid, &end, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		return err == nil && end.Signo == 0
	}
}

func (e *environment) stale(now time.Time) bool {
	return !e.expires.IsZero() && now.After(e.expires.Add(-credentialMargin))
}

// stop kills the process group and waits until all of it is gone.
func (e *environment) stop() {
	e.once.Do(func() {
		if e.alive() {
			e.killGroup()
		}
		_ = e.server.Close() // the listener was closed before: nothing to do
	})
	e.wg.Wait()
}

func (e *environment) killGroup() {
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL) // fails once all are gone
}
