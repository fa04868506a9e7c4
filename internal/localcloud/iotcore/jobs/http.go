package jobs

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"porchlight/internal/localcloud/awsapi"
)

// maxBody bounds a request: a document with every character escaped fits.
const maxBody = 256 << 10 // bytes

// endpoint answers one operation: with a body (nil for none) or an error.
type endpoint func(*http.Request) (any, error)

func (s *Service) mux(controlPlane bool, endpoints map[string]endpoint) http.Handler {
	mux := http.NewServeMux()
	endpoints["/"] = func(r *http.Request) (any, error) {
		return nil, refuse(codeNotFound, "%s %s is not an operation on jobs that is offered here.", r.Method, clip(r.URL.Path))
	}
	for pattern, serve := range endpoints {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := serve(r)
			if err != nil {
				awsapi.WriteError(w, awsapi.RESTJSON, s.refusal(r.Method+" "+r.URL.Path, err).api(controlPlane))
				return
			}
			if body == nil {
				body = struct{}{}
			}
			awsapi.WriteJSON(w, awsapi.RESTJSON, http.StatusOK, body)
		})
	}
	return mux
}

func readBody(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return invalid("The body could not be read.")
	}
	if len(raw) > maxBody {
		return invalid("The request is larger than %d bytes.", maxBody)
	}
	return read(raw, into)
}

func boolean(r *http.Request, name string) (bool, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, invalid("%s: want true or false", name)
	}
	return b, nil
}

// page cuts what is listed into answers; tokens count what came before.
func page[T any](r *http.Request, all []T) (part []T, next string, err error) {
	most := maxListed
	if v := r.URL.Query().Get("maxResults"); v != "" {
		if most, err = strconv.Atoi(v); err != nil || most < 1 || most > maxListed {
			return nil, "", invalid("maxResults: want 1 to %d", maxListed)
		}
	}
	from := 0
	if v := r.URL.Query().Get("nextToken"); v != "" {
		if from, err = strconv.Atoi(v); err != nil || from < 0 {
			return nil, "", invalid("nextToken: it is not one that was given out here")
		}
	}
	all = all[min(from, len(all)):]
	if len(all) > most {
		return all[:most], strconv.Itoa(from + most), nil
	}
	return all, "", nil
}

// DataHandler serves the iot-jobs-data API. The caller has been authenticated
// and authorized before.
func (s *Service) DataHandler() http.Handler {
	execution := func(f found) any {
		if f.data == nil {
			return nil
		}
		if f.document != "" {
			f.data.JobDocument = f.document
		}
		return map[string]any{"execution": f.data}
	}
	return s.mux(false, map[string]endpoint{
		"GET /things/{thing}/jobs": func(r *http.Request) (any, error) { return s.getPending(r.PathValue("thing")) },
		"PUT /things/{thing}/jobs/" + nextJob: func(r *http.Request) (any, error) {
			var in startRequest
			if err := readBody(r, &in); err != nil {
				return nil, err
			}
			f, err := s.startNext(r.PathValue("thing"), in)
			return execution(f), err
		},
		"GET /things/{thing}/jobs/{job}": func(r *http.Request) (any, error) {
			in := describeRequest{ExecutionNumber: json.Number(r.URL.Query().Get("executionNumber"))}
			if r.URL.Query().Has("includeJobDocument") {
				include, err := boolean(r, "includeJobDocument")
				if err != nil {
					return nil, err
				}
				in.IncludeJobDocument = &include
			}
			f, err := s.describe(r.PathValue("thing"), r.PathValue("job"), in)
			return execution(f), err
		},
		"POST /things/{thing}/jobs/{job}": func(r *http.Request) (any, error) {
			var in updateRequest
			if err := readBody(r, &in); err != nil {
				return nil, err
			}
			u, err := s.update(r.PathValue("thing"), r.PathValue("job"), in)
			out := map[string]any{}
			if u.state != nil {
				out["executionState"] = u.state
			}
			if u.document != "" {
				out["jobDocument"] = u.document
			}
			return out, err
		},
	})
}
