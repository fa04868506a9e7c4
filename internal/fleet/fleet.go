// Package fleet is the operator's side of devices: it makes the identity of
// one device, or the claim certificate of a batch, and writes down what the
// cloud must know of them.
//
// Private keys are made here and go nowhere. Everything may be done twice: the
// second time finds what the first one made.
package fleet

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/iot"
)

// Errors of the package; match them with errors.Is.
var (
	// ErrFolder: what is in the folder does not go with what is asked for.
	ErrFolder = errors.New("folder of the device's files")
	// ErrHasCertificate: the thing has a certificate that is not in the folder.
	ErrHasCertificate = errors.New("the thing has another certificate already")
	// ErrNoOutput: an output of the stack is needed and unknown.
	ErrNoOutput = errors.New("unknown output of the stack")
)

// IoT is the part of AWS IoT that is used.
type IoT interface {
	CreateThing(context.Context, *iot.CreateThingInput, ...func(*iot.Options)) (*iot.CreateThingOutput, error)
	CreateCertificateFromCsr(context.Context, *iot.CreateCertificateFromCsrInput, ...func(*iot.Options)) (*iot.CreateCertificateFromCsrOutput, error)
	DescribeCertificate(context.Context, *iot.DescribeCertificateInput, ...func(*iot.Options)) (*iot.DescribeCertificateOutput, error)
	AttachPolicy(context.Context, *iot.AttachPolicyInput, ...func(*iot.Options)) (*iot.AttachPolicyOutput, error)
	AttachThingPrincipal(context.Context, *iot.AttachThingPrincipalInput, ...func(*iot.Options)) (*iot.AttachThingPrincipalOutput, error)
	ListThingPrincipals(context.Context, *iot.ListThingPrincipalsInput, ...func(*iot.Options)) (*iot.ListThingPrincipalsOutput, error)
	DescribeEndpoint(context.Context, *iot.DescribeEndpointInput, ...func(*iot.Options)) (*iot.DescribeEndpointOutput, error)
}

// Store is what the cloud knows of things beside AWS IoT.
type Store interface {
	ReserveThing(ctx context.Context, thing, serial, owner string) error
	RecordCertificate(ctx context.Context, certificateID, thing string) error
	Claim(ctx context.Context, thing, owner string) error
}

// Operator makes identities. All fields are required but AWSEndpoint.
type Operator struct {
	IoT         IoT
	Store       Store
	Outputs     Outputs
	Region      string
	AWSEndpoint string // URL of all AWS services; empty: AWS itself
	Step        func(format string, a ...any)
}
