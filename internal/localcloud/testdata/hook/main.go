// Command hook is a pre-provisioning hook for tests: the serial number says
// what it does.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

type input struct {
	ClaimCertificateID string            `json:"claimCertificateId"`
	TemplateARN        string            `json:"templateArn"`
	Parameters         map[string]string `json:"parameters"`
}

type output struct {
	AllowProvisioning  bool              `json:"allowProvisioning"`
	ParameterOverrides map[string]string `json:"parameterOverrides"`
}

func main() {
	lambda.Start(func(_ context.Context, in input) (output, error) {
		switch serial := in.Parameters["SerialNumber"]; serial {
		case "stranger":
			return output{}, nil
		case "crash":
			os.Exit(1) //nolint:forbidigo // what a crash looks like
			return output{}, nil
		default:
			return output{AllowProvisioning: in.ClaimCertificateID != "" && in.TemplateARN != "", ParameterOverrides: map[string]string{"Owner": "owner-of-" + serial}}, nil
		}
	})
}
