package iotcore

import (
	"context"
	"maps"
	"net/http"

	"porchlight/internal/localcloud/iam"
)

// Account is what IoT Core asks of the account that it is in.
type Account interface {
	// RoleMay asks whether the policies of a role allow an action; the error
	// says why not.
	RoleMay(roleARN, action, resource string, variables map[string]string) error
	// InvokeHook invokes a pre-provisioning hook for a template and returns its
	// answer. Whatever keeps the function from answering is an error.
	InvokeHook(ctx context.Context, templateARN, functionARN string, payload []byte) ([]byte, error)
	// WhoSigned verifies the presigned request that opens a WebSocket.
	WhoSigned(r *http.Request) (Signer, error)
}

// Signer is who signed a request: the account's root, or a session of a role.
type Signer struct {
	Root      bool
	RoleARN   string
	Variables map[string]string // policy variables of the session
}

// signed is the identity behind a presigned request.
type signed struct {
	account Account
	signer  Signer
}

func (*signed) usable() bool { return true } // as on AWS the connection may outlive the session

func (*signed) certificate() string { return "" }

func (i *signed) allowed(clientID, action, resource string, _ map[string][]string) iam.Decision {
	if i.signer.Root {
		return iam.Decision{Allowed: true, Reason: "signed by the account's root"}
	}
	variables := map[string]string{"iot:ClientId": clientID}
	maps.Copy(variables, i.signer.Variables)
	if err := i.account.RoleMay(i.signer.RoleARN, action, resource, variables); err != nil {
		return iam.Decision{Reason: err.Error()}
	}
	return iam.Decision{Allowed: true, Reason: "allowed by the role"}
}
