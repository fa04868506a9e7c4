package frontdoor

import (
	"errors"
	"fmt"
	"net/http"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/sts"
)

func keyError(err error) *awsapi.Error {
	switch {
	case errors.Is(err, sts.ErrExpired):
		return &awsapi.Error{Code: "ExpiredTokenException", QueryCode: "ExpiredToken", Message: err.Error(),
			Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest}
	case errors.Is(err, sts.ErrInvalidToken):
		return &awsapi.Error{Code: "UnrecognizedClientException", QueryCode: "InvalidClientTokenId", Message: err.Error(),
			Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest}
	default:
		return &awsapi.Error{Code: "UnrecognizedClientException", QueryCode: "InvalidClientTokenId",
			Message: err.Error() + ": use the keys this local cloud issued", Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest}
	}
}

func errMismatch(message string) *awsapi.Error {
	return &awsapi.Error{Code: "InvalidSignatureException", QueryCode: "SignatureDoesNotMatch", Message: message,
		Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest}
}

func errIncomplete(message string) *awsapi.Error {
	return &awsapi.Error{Code: "IncompleteSignatureException", QueryCode: "IncompleteSignature", Message: message,
		Status: http.StatusBadRequest}
}

func errMissing() *awsapi.Error {
	return &awsapi.Error{Code: "MissingAuthenticationTokenException", QueryCode: "AccessDenied", Status: http.StatusForbidden,
		Message: "the request is not signed: give the client this local cloud's keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"}
}

// denied says who may not do what, and the statement that would allow it.
func denied(p sts.Principal, n need, reason error) *awsapi.Error {
	return &awsapi.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied",
		Status: http.StatusForbidden, JSONStatus: http.StatusBadRequest,
		Message: fmt.Sprintf(`%s may not perform %s on %s (%s): if it should, add {"Effect":"Allow","Action":%q,"Resource":%q} to a policy of its role in the template`,
			p.ARN, n.action, n.resource, reason, n.action, n.resource)}
}

func errChunk(message string) *awsapi.Error {
	return &awsapi.Error{Code: "IncompleteBody", Message: message + ": send the upload again", Status: http.StatusBadRequest}
}
