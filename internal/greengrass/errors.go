package greengrass

import (
	"errors"
	"fmt"

	"porchlight/internal/greengrass/wire"
)

// Errors of the client itself.
var (
	// ErrTooLarge: a request is longer than the nucleus takes. Nothing was sent.
	ErrTooLarge = wire.ErrTooLarge
	// ErrDisconnected: the connection broke, or is not up. A call that was
	// under way may or may not have been carried out; it is not repeated.
	ErrDisconnected = errors.New("not connected to the Greengrass nucleus")
	// ErrTokenVoid: the nucleus does not know the token any more, as after its
	// restart. Only a new process gets a new one; see Restarts.
	ErrTokenVoid = errors.New("the Greengrass nucleus refused the component's token; exit, to be started with a new one")
	// ErrClosed: the client or the subscription was closed here.
	ErrClosed = errors.New("closed")
	// ErrEnded: the nucleus ended the subscription.
	ErrEnded = errors.New("the Greengrass nucleus ended the subscription")
	// ErrProtocol: the nucleus answered what the protocol does not allow, or
	// says that this client did.
	ErrProtocol = errors.New("protocol error on Greengrass IPC")
	// ErrUnsupported: the nucleus does not know the operation.
	ErrUnsupported = errors.New("operation not supported by this Greengrass nucleus")
	// ErrInternal: the nucleus failed and says no more.
	ErrInternal = errors.New("internal error of the Greengrass nucleus")
)

// Errors that the nucleus answers, by their names in the service model.
var (
	ErrService                       = errors.New("service error")
	ErrResourceNotFound              = errors.New("resource not found")
	ErrUnauthorized                  = errors.New("not authorized; see accessControl in the component's configuration")
	ErrInvalidArguments              = errors.New("invalid arguments")
	ErrComponentNotFound             = errors.New("component not found")
	ErrConflict                      = errors.New("conflict with the version of the document")
	ErrFailedUpdateConditionCheck    = errors.New("the update's condition does not hold")
	ErrInvalidToken                  = errors.New("invalid token")
	ErrInvalidCredential             = errors.New("invalid credential")
	ErrInvalidClientDeviceAuthToken  = errors.New("invalid client device auth token")
	ErrInvalidRecipeDirectoryPath    = errors.New("invalid recipe directory path")
	ErrInvalidArtifactsDirectoryPath = errors.New("invalid artifacts directory path")
)

// RemoteError is an error that the nucleus answered. errors.Is finds the
// sentinel behind it.
type RemoteError struct {
	Operation string // without the namespace
	Code      string // as answered, such as UnauthorizedError; may be empty
	Message   string // as answered; may be empty
	kind      error
}

func (e *RemoteError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Operation, e.kind)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Unwrap returns the sentinel.
func (e *RemoteError) Unwrap() error { return e.kind }

// Is also finds ErrUnsupported behind a service error that says nothing: that
// is how nucleus lite answers an operation it does not know.
func (e *RemoteError) Is(target error) bool {
	return target == ErrUnsupported && e.kind == ErrService && e.Message == ""
}

// sentinel of a code, nil for one that is not known.
func sentinel(code string) error {
	switch code {
	case "ServiceError":
		return ErrService
	case "ResourceNotFoundError":
		return ErrResourceNotFound
	case "UnauthorizedError":
		return ErrUnauthorized
	case "InvalidArgumentsError":
		return ErrInvalidArguments
	case "ComponentNotFoundError":
		return ErrComponentNotFound
	case "ConflictError":
		return ErrConflict
	case "FailedUpdateConditionCheckError":
		return ErrFailedUpdateConditionCheck
	case "InvalidTokenError":
		return ErrInvalidToken
	case "InvalidCredentialError":
		return ErrInvalidCredential
	case "InvalidClientDeviceAuthTokenError":
		return ErrInvalidClientDeviceAuthToken
	case "InvalidRecipeDirectoryPathError":
		return ErrInvalidRecipeDirectoryPath
	case "InvalidArtifactsDirectoryPathError":
		return ErrInvalidArtifactsDirectoryPath
	}
	return nil
}
