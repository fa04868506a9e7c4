package frontdoor

import (
	"net/http"
	"net/url"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// iotDataNeeds is for the iot-data API. A named shadow is the resource
// thing/NAME/SHADOW.
func iotDataNeeds(s scope, r *http.Request, _ []byte) ([]need, error) {
	parts := segments(r)
	if len(parts) > 1 && parts[0] == "topics" && r.Method == http.MethodPost {
		if topic := strings.Join(parts[1:], "/"); topic != "" {
			return []need{{"iot:Publish", s.arn("iot", "topic/"+topic)}}, nil
		}
	}
	if len(parts) == 3 && parts[0] == "things" && parts[2] == "shadow" {
		action := map[string]string{http.MethodGet: "iot:GetThingShadow", http.MethodPost: "iot:UpdateThingShadow",
			http.MethodDelete: "iot:DeleteThingShadow"}[r.Method]
		if action != "" {
			resource := "thing/" + parts[1]
			if shadow := r.URL.Query().Get("name"); shadow != "" {
				resource += "/" + shadow
			}
			return []need{{action, s.arn("iot", resource)}}, nil
		}
	}
	if len(parts) == 5 && strings.Join(parts[:4], "/") == "api/things/shadow/ListNamedShadowsForThing" && r.Method == http.MethodGet {
		return []need{{"iot:ListNamedShadowsForThing", s.arn("iot", "thing/"+parts[4])}}, nil
	}
	return nil, errOperation("the local IoT data plane publishes (POST /topics/…) and keeps shadows (/things/…/shadow)")
}

func errOperation(message string) error {
	return &awsapi.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: message}
}

// segments are the parts of the path, each unescaped by itself: an escaped
// slash does not part anything.
func segments(r *http.Request) []string {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i, raw := range parts {
		part, err := url.PathUnescape(raw)
		if err != nil {
			return nil
		}
		parts[i] = part
	}
	return parts
}
