package frontdoor

import "net/http"

// iotControlNeeds is for the iot API, of which jobs are served.
func iotControlNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	needs, err := iotJobsNeeds(s, r, body)
	if err != nil || needs != nil {
		return needs, err
	}
	return nil, errOperation("the local IoT control plane has jobs (/jobs…, /things/…/jobs…)")
}
