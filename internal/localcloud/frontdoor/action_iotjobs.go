package frontdoor

import (
	"encoding/json"
	"net/http"
	"strings"
)

// operation is an operation of a REST API: its method, its path, in which {job}
// and {thing} name resources and * is anything, and the action it takes.
type operation struct{ method, path, action string }

// iotJobs are the operations on jobs of the iot API.
//
// Source: "Actions, resources, and condition keys for AWS IoT" in the service
// authorization reference.
func iotJobs() []operation {
	return []operation{
		{"GET", "jobs", "iot:ListJobs"},
		{"PUT", "jobs/{job}", "iot:CreateJob"},
		{"GET", "jobs/{job}", "iot:DescribeJob"},
		{"DELETE", "jobs/{job}", "iot:DeleteJob"},
		{"GET", "jobs/{job}/job-document", "iot:GetJobDocument"},
		{"PUT", "jobs/{job}/cancel", "iot:CancelJob"},
		{"GET", "jobs/{job}/things", "iot:ListJobExecutionsForJob"},
		{"GET", "things/{thing}/jobs", "iot:ListJobExecutionsForThing"},
		{"GET", "things/{thing}/jobs/{job}", "iot:DescribeJobExecution"},
		{"PUT", "things/{thing}/jobs/{job}/cancel", "iot:CancelJobExecution"},
		{"DELETE", "things/{thing}/jobs/{job}/executionNumber/*", "iot:DeleteJobExecution"},
	}
}

// iotJobsData are those of the iot-jobs-data API.
func iotJobsData() []operation {
	return []operation{
		{"GET", "things/{thing}/jobs", "iotjobsdata:GetPendingJobExecutions"},
		{"PUT", "things/{thing}/jobs/$next", "iotjobsdata:StartNextPendingJobExecution"},
		{"GET", "things/{thing}/jobs/*", "iotjobsdata:DescribeJobExecution"},
		{"POST", "things/{thing}/jobs/*", "iotjobsdata:UpdateJobExecution"},
	}
}

// iotJobsNeeds is for the operations on jobs of the iot API; nil without an
// error means that the request is about something else.
func iotJobsNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	op, needs := match(s, r, iotJobs())
	if op.action != "iot:CreateJob" {
		return needs, nil
	}
	fields, err := jsonObject(body)
	if err != nil {
		return nil, err
	}
	var targets []json.RawMessage
	if raw, given := fields["targets"]; given {
		if err := json.Unmarshal(raw, &targets); err != nil {
			return nil, errNotJSON()
		}
	}
	for _, target := range targets {
		needs = append(needs, need{op.action, text(target)})
	}
	return needs, nil
}

func iotJobsDataNeeds(s scope, r *http.Request, _ []byte) ([]need, error) {
	if _, needs := match(s, r, iotJobsData()); needs != nil {
		return needs, nil
	}
	return nil, errOperation("that is not an operation on the jobs of a thing")
}

// match finds the operation that a request is, and what it needs: its action on
// each resource that the path names, or on anything.
func match(s scope, r *http.Request, operations []operation) (operation, []need) {
	parts := segments(r)
	for _, op := range operations {
		pattern := strings.Split(op.path, "/")
		if op.method != r.Method || len(pattern) != len(parts) {
			continue
		}
		var needs []need
		same := true
		for i, p := range pattern {
			switch p {
			case "{job}", "{thing}":
				needs = append(needs, need{op.action, s.arn("iot", strings.Trim(p, "{}")+"/"+parts[i])})
			case "*":
			default:
				same = same && p == parts[i]
			}
		}
		if needs == nil {
			needs = []need{{op.action, "*"}}
		}
		if same {
			return op, needs
		}
	}
	return operation{}, nil
}
