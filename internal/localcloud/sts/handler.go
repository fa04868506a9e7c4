package sts

import (
	"net/http"

	"porchlight/internal/localcloud/awsapi"
)

type identity struct {
	Arn, UserId, Account string //nolint:revive // the element names of the STS API
}

// ServeHTTP answers GetCallerIdentity; the front door has checked the signature and read the form.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := PrincipalFrom(r.Context())
	if action := r.FormValue("Action"); action != "GetCallerIdentity" || !ok {
		awsapi.WriteError(w, awsapi.Query, &awsapi.Error{Code: "InvalidAction", Status: http.StatusBadRequest,
			Message: "STS here answers GetCallerIdentity, not " + action + ": devices get role credentials from the IoT credentials provider"})
		return
	}
	awsapi.WriteQuery(w, "https://sts.amazonaws.com/doc/2011-06-15/", "GetCallerIdentity",
		identity{Arn: p.ARN, UserId: p.UserID, Account: p.AccountID})
}
