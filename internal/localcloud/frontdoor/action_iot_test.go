package frontdoor

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIoTControlActions(t *testing.T) {
	s := scope{partition: "aws", region: "us-east-1", account: "000000000000"}
	const arn = "arn:aws:iot:us-east-1:000000000000:"
	for request, want := range map[string]need{
		"POST /things/porch":                                             {"iot:CreateThing", arn + "thing/porch"},
		"PATCH /things/a%3Ab":                                            {"iot:UpdateThing", arn + "thing/a:b"},
		"GET /things":                                                    {"iot:ListThings", "*"},
		"PUT /things/porch/principals":                                   {"iot:AttachThingPrincipal", "*"},
		"GET /things/porch/principals":                                   {"iot:ListThingPrincipals", arn + "thing/porch"},
		"DELETE /certificates/00?forceDelete=true":                       {"iot:DeleteCertificate", arn + "cert/00"},
		"POST /keys-and-certificate?setAsActive=true":                    {"iot:CreateKeysAndCertificate", "*"},
		"POST /attached-policies/arn%3Aaws%3Aiot%3Aus-east-1%3A0%2Fcert": {"iot:ListAttachedPolicies", "*"},
		"POST /provisioning-templates/fleet/provisioning-claim":          {"iot:CreateProvisioningClaim", arn + "provisioningtemplate/fleet"},
	} {
		method, path, _ := strings.Cut(request, " ")
		needs, err := iotControlNeeds(s, httptest.NewRequest(method, path, nil), nil)
		require.NoError(t, err, request)
		require.Equal(t, []need{want}, needs, request)
	}
	for body, resource := range map[string]string{`{"target":"` + arn + `cert/00"}`: arn + "cert/00", `{"TARGET":"` + arn + `cert/00"}`: arn + "cert/00", `{}`: "*"} {
		needs, err := iotControlNeeds(s, httptest.NewRequest("PUT", "/target-policies/p", nil), []byte(body))
		require.NoError(t, err)
		require.Equal(t, []need{{"iot:AttachPolicy", resource}}, needs)
	}
	for _, request := range []string{"GET /", "PUT /things/porch", "POST /things/a/b", "POST /things/", "POST /jobs", "POST /certificates/00/x"} {
		method, path, _ := strings.Cut(request, " ")
		_, err := iotControlNeeds(s, httptest.NewRequest(method, path, nil), nil)
		require.Error(t, err, request)
	}
}
