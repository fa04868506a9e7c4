package shadow

import (
	"fmt"
	"net/http"

	"porchlight/internal/localcloud/awsapi"
)

// Error is a refusal in the words of "Device Shadow error messages".
type Error struct {
	Code    int // as HTTP statuses
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("shadow: %d %s", e.Code, e.Message) }

func refuse(code int, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

// api is the error as the iot-data API spells it.
func (e *Error) api() *awsapi.Error {
	kind := map[int]string{
		http.StatusBadRequest:            "InvalidRequestException",
		http.StatusNotFound:              "ResourceNotFoundException",
		http.StatusMethodNotAllowed:      "MethodNotAllowedException",
		http.StatusConflict:              "ConflictException",
		http.StatusRequestEntityTooLarge: "RequestEntityTooLargeException",
		http.StatusUnsupportedMediaType:  "UnsupportedDocumentEncodingException",
		http.StatusTooManyRequests:       "ThrottlingException",
	}[e.Code]
	if kind == "" {
		return &awsapi.Error{Code: "InternalFailureException", Message: e.Message, Status: http.StatusInternalServerError}
	}
	return &awsapi.Error{Code: kind, Message: e.Message, Status: e.Code}
}
