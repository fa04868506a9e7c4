package frontdoor

import (
	"net/http"
	"net/url"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// iotRoute is one operation of the AWS IoT control plane. {} in a path stands
// for one segment, and in the resource for what stood there; an empty resource
// means that the action has no resource types.
type iotRoute struct{ method, path, action, resource string }

// iotRegistryRoutes are the operations of the control plane. Source: AWS IoT API
// reference for the paths, Service Authorization Reference for the resources.
func iotRegistryRoutes() []iotRoute {
	return []iotRoute{
		{"POST", "/things/{}", "CreateThing", "thing/{}"},
		{"GET", "/things/{}", "DescribeThing", "thing/{}"},
		{"PATCH", "/things/{}", "UpdateThing", "thing/{}"},
		{"DELETE", "/things/{}", "DeleteThing", "thing/{}"},
		{"GET", "/things", "ListThings", ""},
		{"PUT", "/things/{}/principals", "AttachThingPrincipal", ""},
		{"DELETE", "/things/{}/principals", "DetachThingPrincipal", ""},
		{"GET", "/things/{}/principals", "ListThingPrincipals", "thing/{}"},
		{"GET", "/principals/things", "ListPrincipalThings", ""},
		{"POST", "/keys-and-certificate", "CreateKeysAndCertificate", ""},
		{"POST", "/certificates", "CreateCertificateFromCsr", ""},
		{"GET", "/certificates", "ListCertificates", ""},
		{"GET", "/certificates/{}", "DescribeCertificate", "cert/{}"},
		{"PUT", "/certificates/{}", "UpdateCertificate", "cert/{}"},
		{"DELETE", "/certificates/{}", "DeleteCertificate", "cert/{}"},
		{"GET", "/policies", "ListPolicies", ""},
		{"GET", "/policies/{}", "GetPolicy", "policy/{}"},
		{"PUT", "/target-policies/{}", "AttachPolicy", bodyTarget},
		{"POST", "/target-policies/{}", "DetachPolicy", bodyTarget},
		{"POST", "/attached-policies/{}", "ListAttachedPolicies", ""},
		{"POST", "/policy-targets/{}", "ListTargetsForPolicy", "policy/{}"},
		{"GET", "/endpoint", "DescribeEndpoint", ""},
		{"GET", "/provisioning-templates", "ListProvisioningTemplates", ""},
		{"GET", "/provisioning-templates/{}", "DescribeProvisioningTemplate", "provisioningtemplate/{}"},
		{"POST", "/provisioning-templates/{}/provisioning-claim", "CreateProvisioningClaim", "provisioningtemplate/{}"},
	}
}

// bodyTarget means that the resource is the ARN in the member target of the body.
const bodyTarget = "target"

func iotRegistryNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	for _, route := range iotRegistryRoutes() {
		name, ok := route.match(r)
		if !ok {
			continue
		}
		n := need{"iot:" + route.action, "*"}
		switch route.resource {
		case "":
		case bodyTarget:
			fields, err := jsonObject(body)
			if err != nil {
				return nil, err
			}
			for name, value := range fields { // as the handler's decoder, whatever its case
				if strings.EqualFold(name, bodyTarget) {
					n.resource = text(value)
				}
			}
		default:
			n.resource = s.arn("iot", strings.Replace(route.resource, "{}", name, 1))
		}
		return []need{n}, nil
	}
	return nil, &awsapi.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound,
		Message: "the local IoT control plane does not serve " + r.Method + " " + r.URL.Path}
}

// match compares segment by segment, so that an escaped slash stays inside one.
func (route iotRoute) match(r *http.Request) (name string, ok bool) {
	want, have := strings.Split(route.path, "/"), strings.Split(r.URL.EscapedPath(), "/")
	if r.Method != route.method || len(want) != len(have) {
		return "", false
	}
	for i, segment := range want {
		plain, err := url.PathUnescape(have[i])
		switch {
		case err != nil:
			return "", false
		case segment == "{}" && plain != "":
			name = plain
		case segment != plain:
			return "", false
		}
	}
	return name, true
}
