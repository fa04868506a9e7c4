package shadow

import (
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"

	"porchlight/internal/localcloud/awsapi"
)

// Handler serves GetThingShadow, UpdateThingShadow, DeleteThingShadow and
// ListNamedShadowsForThing of the iot-data API. The caller has been
// authenticated and authorized before.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/things/{thing}/shadow", s.serveShadow)
	mux.HandleFunc("GET /api/things/shadow/ListNamedShadowsForThing/{thing}", s.serveNames)
	return mux
}

func (s *Service) serveShadow(w http.ResponseWriter, r *http.Request) {
	k := Key{Thing: r.PathValue("thing"), Name: r.URL.Query().Get("name")}
	var answer []byte
	var err error
	switch r.Method {
	case http.MethodGet:
		answer, err = s.get(k, "")
	case http.MethodDelete:
		answer, err = s.remove(k, "", defaultQoS)
	case http.MethodPost:
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxRequest+1)); err != nil {
			err = invalid("The body could not be read")
			break
		}
		var c change
		if c, err = parseChange(body); err == nil {
			answer, err = s.update(k, c, defaultQoS)
		}
	default:
		err = refuse(http.StatusMethodNotAllowed, "Use GET, POST or DELETE")
	}
	if err != nil {
		awsapi.WriteError(w, awsapi.RESTJSON, s.refusal(k, err).api())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

const (
	defaultPage = 25
	maxPage     = 100
)

func (s *Service) serveNames(w http.ResponseWriter, r *http.Request) {
	k := Key{Thing: r.PathValue("thing")}
	page, next, err := s.page(k.Thing, r.URL.Query().Get("pageSize"), r.URL.Query().Get("nextToken"))
	if err != nil {
		awsapi.WriteError(w, awsapi.RESTJSON, s.refusal(k, err).api())
		return
	}
	body := object{"results": page, "timestamp": s.now()}
	if next != "" {
		body["nextToken"] = next
	}
	awsapi.WriteJSON(w, awsapi.RESTJSON, http.StatusOK, body)
}

// page returns some names, and the token for those after them.
func (s *Service) page(thing, size, token string) (page []string, next string, err error) {
	most := defaultPage
	if size != "" {
		if most, err = strconv.Atoi(size); err != nil || most < 1 || most > maxPage {
			return nil, "", invalid("Invalid pageSize: want 1 to %d", maxPage)
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", invalid("Invalid nextToken")
	}
	names, err := s.names(thing)
	if err != nil {
		return nil, "", err
	}
	from, found := slices.BinarySearch(names, string(after))
	if found {
		from++
	}
	names = names[from:]
	if len(names) > most {
		names = names[:most]
		next = base64.RawURLEncoding.EncodeToString([]byte(names[most-1]))
	}
	return names, next, nil
}
