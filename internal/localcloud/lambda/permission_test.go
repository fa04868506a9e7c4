package lambda

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPermissions(t *testing.T) {
	const api = "arn:aws:execute-api:us-east-1:000000000000:abc/"
	ps := Permissions{{
		Action: "lambda:InvokeFunction", FunctionName: arnPrefix + "api", Principal: "apigateway.amazonaws.com",
		SourceArn: api + "*/*/v1/events/{event_id}",
	}, {Action: "lambda:InvokeFunction", FunctionName: "events", Principal: "sns.amazonaws.com", SourceArn: "arn:aws:sns:us-east-1:000000000000:topic"}}
	for _, tc := range []struct {
		function, principal, source string
		want                        bool
	}{
		{"api", "apigateway.amazonaws.com", api + "$default/GET/v1/events/{event_id}", true},
		{"api", "apigateway.amazonaws.com", api + "$default/GET/v1/events", false},
		{"api", "apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:000000000000:abcd/$default/GET/v1/events/{event_id}", false},
		{"api", "sns.amazonaws.com", api + "$default/GET/v1/events/{event_id}", false},
		{"other", "apigateway.amazonaws.com", api + "$default/GET/v1/events/{event_id}", false},
		{"events", "sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:topic", true},
		{"events", "sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:topic2", false},
	} {
		require.Equal(t, tc.want, ps.Allow(arnPrefix+tc.function, tc.principal, tc.source), tc)
	}
}
