package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
)

// Handler serves the operations Invoke and ListFunctions of the Lambda API,
// version 2015-03-31. Whoever mounts it checks who is calling.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", s.serveInvoke)
	mux.HandleFunc("GET /2015-03-31/functions/{$}", s.serveList)
	mux.HandleFunc("GET /2015-03-31/functions", s.serveList)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		apiError(w, http.StatusNotImplemented, "InvalidRequestContentException",
			"Porchlight's local Lambda knows Invoke and ListFunctions, not "+r.Method+" "+r.URL.Path)
	})
	return mux
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxSyncBytes+1))
	if err != nil {
		apiError(w, http.StatusBadRequest, "InvalidRequestContentException", "the request body ended early")
		return
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		res, err := s.Invoke(r.Context(), name, payload)
		if err != nil {
			s.serveError(w, name, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("X-Amzn-RequestId", res.RequestID)
		h.Set("X-Amz-Executed-Version", "$LATEST")
		if res.FunctionError != "" {
			h.Set("X-Amz-Function-Error", res.FunctionError)
		}
		w.Write(res.Payload)
	case "Event":
		id, err := s.enqueue(r.Context(), name, payload)
		if err != nil {
			s.serveError(w, name, err)
			return
		}
		w.Header().Set("X-Amzn-RequestId", id)
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if _, _, err := s.check(name, payload, maxSyncBytes); err != nil {
			s.serveError(w, name, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		apiError(w, http.StatusBadRequest, "InvalidParameterValueException",
			"X-Amz-Invocation-Type is RequestResponse, Event or DryRun, not "+kind)
	}
}

func (s *Service) serveError(w http.ResponseWriter, name string, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		apiError(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
	case errors.Is(err, ErrTooLarge):
		apiError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", err.Error())
	case errors.Is(err, ErrNotJSON):
		apiError(w, http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
	case errors.Is(err, ErrQueueFull):
		apiError(w, http.StatusTooManyRequests, "TooManyRequestsException", err.Error())
	default:
		s.cfg.Logger.Error("function could not be invoked", "function", name, "error", err)
		apiError(w, http.StatusInternalServerError, "ServiceException", "the function could not be started, the log says why")
	}
}

// listed is a FunctionConfiguration with what is known here.
type listed struct {
	FunctionName, FunctionArn, Role, Handler, Runtime, PackageType, Version string
	Timeout, MemorySize                                                     int
}

func (s *Service) serveList(w http.ResponseWriter, _ *http.Request) {
	functions := make([]listed, 0, len(s.pools))
	for _, p := range s.pools {
		functions = append(functions, listed{
			FunctionName: p.fn.Name, FunctionArn: p.fn.ARN, Role: p.fn.Role, Handler: "bootstrap",
			Runtime: "provided.al2023", PackageType: "Zip", Version: "$LATEST",
			Timeout: int(p.fn.Timeout.Seconds()), MemorySize: p.fn.MemorySize,
		})
	}
	slices.SortFunc(functions, func(a, b listed) int {
		if a.FunctionName < b.FunctionName {
			return -1
		}
		return 1
	})
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"Functions": functions, "NextMarker": nil}) // the client has gone if this fails
}

func apiError(w http.ResponseWriter, status int, code, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	kind := "User"
	if status >= http.StatusInternalServerError {
		kind = "Service"
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": kind, "Message": message}) // the client has gone if this fails
}
