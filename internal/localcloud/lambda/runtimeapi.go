package lambda

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// invocation is one request on its way through an environment.
type invocation struct {
	id      string
	payload []byte
	done    chan Result // buffered, one
}

// runtimeAPI is the server side of the Lambda Runtime API, version 2018-06-01,
// for one environment: one invocation at a time.
type runtimeAPI struct {
	fn         Function
	work       chan *invocation
	initFailed chan Failure // buffered, one

	mu      sync.Mutex
	asked   bool // for an invocation, so it has initialized
	current *invocation
}

func newRuntimeAPI(fn Function) *runtimeAPI {
	return &runtimeAPI{fn: fn, work: make(chan *invocation), initFailed: make(chan Failure, 1)}
}

func (a *runtimeAPI) handler() http.Handler {
	const base = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"invocation/next", a.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+base+"invocation/{id}/error", a.failure)
	mux.HandleFunc("POST "+base+"init/error", a.initError)
	return mux
}

func (a *runtimeAPI) initialized() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked = true
	a.mu.Unlock()
	select {
	case inv := <-a.work:
		a.mu.Lock()
		a.current = inv
		a.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(a.fn.Timeout).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", a.fn.ARN)
		h.Set("Lambda-Runtime-Trace-Id", newTraceID())
		w.Write(inv.payload)
	case <-r.Context().Done():
	}
}

// take returns the running invocation when it has this id and ends it.
func (a *runtimeAPI) take(id string) *invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	inv := a.current
	if inv == nil || inv.id != id {
		return nil
	}
	a.current = nil
	return inv
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	body, tooLarge, err := readBody(r.Body)
	if err != nil {
		answer(w, http.StatusBadRequest, Failure{"InvalidRequest", err.Error()})
		return
	}
	inv := a.take(r.PathValue("id"))
	if inv == nil {
		answer(w, http.StatusBadRequest, Failure{"InvalidRequestID", "Invalid request ID"})
		return
	}
	if tooLarge {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponseBytes)
		inv.done <- functionError(inv.id, Failure{"Function.ResponseSizeTooLarge", message})
		answer(w, http.StatusRequestEntityTooLarge, Failure{"RequestEntityTooLarge", message})
		return
	}
	inv.done <- Result{RequestID: inv.id, Payload: body}
	accepted(w)
}

func (a *runtimeAPI) failure(w http.ResponseWriter, r *http.Request) {
	body, _, err := readBody(r.Body)
	if err != nil {
		answer(w, http.StatusBadRequest, Failure{"InvalidRequest", err.Error()})
		return
	}
	inv := a.take(r.PathValue("id"))
	if inv == nil {
		answer(w, http.StatusBadRequest, Failure{"InvalidRequestID", "Invalid request ID"})
		return
	}
	res := Result{RequestID: inv.id, Payload: body, FunctionError: "Unhandled"}
	if !json.Valid(body) { // callers are promised JSON
		res = functionError(inv.id, Failure{r.Header.Get("Lambda-Runtime-Function-Error-Type"), string(body)})
	}
	inv.done <- res
	accepted(w)
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, _, err := readBody(r.Body)
	var f Failure
	if err != nil || json.Unmarshal(body, &f) != nil || f.Type == "" {
		f = Failure{"Runtime.InitError", "the function failed to initialize and did not say why"}
	}
	select {
	case a.initFailed <- f:
	default: // only the first counts
	}
	accepted(w)
}

func readBody(r io.Reader) (body []byte, tooLarge bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r, maxResponseBytes+1))
	if err != nil {
		return nil, false, errors.New("body ended early")
	}
	return body, len(body) > maxResponseBytes, nil
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	w.Write([]byte(`{"status":"OK"}`))
}

func answer(w http.ResponseWriter, status int, f Failure) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f) // the runtime has gone if this fails
}

// newTraceID returns an X-Ray tracing header that asks not to be sampled.
func newTraceID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}
