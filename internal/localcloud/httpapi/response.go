package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// response is what a function answers with when it speaks of HTTP itself.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// respond writes a function's answer. Nothing is written when it is not one.
// Where the gateway does CORS, the function's own headers for it do not count.
func respond(w http.ResponseWriter, payload []byte, gatewayCORS bool) error {
	res, err := infer(payload)
	if err != nil {
		return err
	}
	body := []byte(res.Body)
	if res.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(res.Body); err != nil {
			return fmt.Errorf("its body is not base64: %w", err)
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	for name, value := range res.Headers {
		if gatewayCORS && strings.HasPrefix(strings.ToLower(name), "access-control-") {
			continue
		}
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Connection", "Date": // the gateway's own
		default:
			h.Set(name, value)
		}
	}
	for _, c := range res.Cookies {
		h.Add("Set-Cookie", c)
	}
	w.WriteHeader(res.StatusCode)
	if r := res.StatusCode; r != http.StatusNoContent && r != http.StatusNotModified {
		w.Write(body)
	}
	return nil
}

// infer takes an answer without statusCode as a JSON body of a 200.
func infer(payload []byte) (response, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) == nil && fields["statusCode"] != nil {
		var res response
		if err := json.Unmarshal(payload, &res); err != nil {
			return res, err
		}
		if res.StatusCode < 200 || res.StatusCode > 599 {
			return res, fmt.Errorf("its status is %d", res.StatusCode)
		}
		return res, nil
	}
	if !json.Valid(payload) {
		return response{}, errors.New("it is not JSON")
	}
	body := string(payload)
	var text string
	if json.Unmarshal(payload, &text) == nil && payload[0] == '"' {
		body = text
	}
	return response{StatusCode: 200, Body: body, Headers: map[string]string{"Content-Type": "application/json"}}, nil
}
