package shadow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Limits of the Device Shadow service.
const (
	maxState       = 8 << 10 // bytes of desired and reported together, without metadata
	maxDepth       = 8       // levels below desired or reported
	maxClientToken = 64      // bytes
	maxRequest     = 128 << 10
)

// object is a JSON object; numbers in it are json.Number, so that they keep
// every digit.
type object = map[string]any

// change is what an update asks for.
type change struct {
	state       object // desired and reported, either nil to remove it; nil removes both
	version     *int64 // what the shadow must have now
	clientToken string
}

// tokenOf returns the client token of a request whose other content is ignored.
func tokenOf(payload []byte) (string, error) {
	request, err := decode(payload)
	if err != nil {
		return "", nil //nolint:nilerr // nothing in it matters
	}
	return clientToken(request)
}

func clientToken(request object) (string, error) {
	v, given := request["clientToken"]
	if !given {
		return "", nil
	}
	token, ok := v.(string)
	if !ok || len(token) > maxClientToken {
		return "", invalid("Invalid clientToken")
	}
	return token, nil
}

// parseChange reads an update. The change has its client token, where that is
// valid, with an error too.
func parseChange(payload []byte) (change, error) {
	var c change
	request, err := decode(payload)
	if err != nil {
		return c, err
	}
	if c.clientToken, err = clientToken(request); err != nil {
		return c, err
	}
	if v, given := request["version"]; given && v != nil {
		number, _ := v.(json.Number)
		n, err := number.Int64()
		if err != nil || n < 0 {
			return c, invalid("Invalid version")
		}
		c.version = &n
	}
	state, given := request["state"]
	if !given {
		return c, invalid("Missing required node: state")
	}
	if state == nil {
		return c, nil
	}
	var ok bool
	if c.state, ok = state.(object); !ok {
		return c, invalid("State node must be an object")
	}
	for section, v := range c.state {
		title := map[string]string{"desired": "Desired", "reported": "Reported"}[section]
		if title == "" {
			return c, invalid("State contains an invalid node: '%s'", clip(section))
		}
		if v == nil {
			continue
		}
		content, ok := v.(object)
		if !ok {
			return c, invalid("%s node must be an object", title)
		}
		if err := checkValue(content, 0, false); err != nil {
			return c, err
		}
	}
	return c, nil
}

// clip shortens what is repeated in an answer.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func decode(payload []byte) (object, error) {
	if len(payload) > maxRequest {
		return nil, errTooLarge()
	}
	if !utf8.Valid(payload) {
		return nil, refuse(http.StatusUnsupportedMediaType, "Unsupported documented encoding; supported encoding is UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, invalid("Invalid JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("Invalid JSON")
	}
	request, ok := v.(object)
	if !ok {
		return nil, invalid("Invalid JSON")
	}
	return request, nil
}

func errTooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "The payload exceeds the maximum size allowed")
}

// checkValue refuses what lies too deep, null in arrays, and numbers that no
// reader could hold.
func checkValue(v any, depth int, inArray bool) error {
	switch v := v.(type) {
	case object:
		for key, child := range v {
			if depth == maxDepth {
				return invalid("JSON contains too many levels of nesting; maximum is %d", maxDepth)
			}
			if key == "" {
				return invalid("State contains an invalid node: ''")
			}
			if err := checkValue(child, depth+1, inArray); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if depth == maxDepth {
				return invalid("JSON contains too many levels of nesting; maximum is %d", maxDepth)
			}
			if err := checkValue(child, depth+1, true); err != nil {
				return err
			}
		}
	case nil:
		if inArray {
			return invalid("State contains an invalid node: null in an array")
		}
	case json.Number:
		if f, err := strconv.ParseFloat(v.String(), 64); err != nil || math.IsInf(f, 0) {
			return invalid("State contains an invalid node: %s", clip(v.String()))
		}
	}
	return nil
}
