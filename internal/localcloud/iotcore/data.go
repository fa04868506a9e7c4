package iotcore

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DataHandler serves the iot-data API: shadows, and the Publish call,
// POST /topics/{topic}?qos=0|1&retain=true|false. The caller has been
// authenticated and authorized before; the message is published as the
// account's.
func (c *Core) DataHandler() http.Handler {
	shadows := c.shadows.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/things/") || strings.HasPrefix(r.URL.Path, "/api/things/") {
			shadows.ServeHTTP(w, r)
			return
		}
		c.publishHTTP(w, r)
	})
}

func (c *Core) publishHTTP(w http.ResponseWriter, r *http.Request) {
	escaped, ok := strings.CutPrefix(r.URL.EscapedPath(), "/topics/")
	if !ok {
		dataError(w, http.StatusNotFound, "InvalidRequestException", "POST /topics/{topic} and the operations on shadows are served here")
		return
	}
	if r.Method != http.MethodPost {
		dataError(w, http.StatusMethodNotAllowed, "MethodNotAllowedException", "use POST")
		return
	}
	topic, err := url.PathUnescape(escaped)
	if err != nil || !checkTopic(topic) {
		dataError(w, http.StatusBadRequest, "InvalidRequestException", "the topic is not a valid topic, or reserved")
		return
	}
	qos, err1 := parseQoS(r.URL.Query().Get("qos"))
	retain, err2 := parseBool(r.URL.Query().Get("retain"))
	if err := errors.Join(err1, err2); err != nil {
		dataError(w, http.StatusBadRequest, "InvalidRequestException", err.Error())
		return
	}
	if retain && !c.roomToRetain(topic) {
		dataError(w, http.StatusTooManyRequests, "ThrottlingException", "too many retained messages")
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		dataError(w, http.StatusRequestEntityTooLarge, "InvalidRequestException", "the payload is larger than 128 KB")
		return
	case err != nil:
		dataError(w, http.StatusBadRequest, "InvalidRequestException", "the body could not be read")
		return
	}
	m := message{topic: topic, payload: payload, received: time.Now()}
	if err := c.ingest(r.Context(), m); err != nil {
		c.log.Error("publish by http failed", "topic", topic, "error", err)
		dataError(w, http.StatusInternalServerError, "InternalFailureException", "no rule action took the message")
		return
	}
	if err := c.publish(m, retain, qos); err != nil {
		c.log.Error("publish by http failed", "topic", topic, "error", err)
		dataError(w, http.StatusInternalServerError, "InternalFailureException", "the broker refused the message")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"message": "OK", "traceId": traceID()})
}

func parseQoS(s string) (byte, error) {
	switch s {
	case "", "0":
		return 0, nil
	case "1":
		return 1, nil
	}
	return 0, errors.New("qos must be 0 or 1")
}

func parseBool(s string) (bool, error) {
	if s == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, errors.New("retain must be true or false")
	}
	return b, nil
}

func dataError(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("X-Amzn-ErrorType", kind)
	writeJSON(w, status, map[string]string{"message": text, "traceId": traceID()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
