package fleet

import (
	"context"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iot"
)

// endpoint returns host:port of one of the account's endpoints. AWS tells no
// port.
func (o *Operator) endpoint(ctx context.Context, kind, port string) (string, error) {
	out, err := o.IoT.DescribeEndpoint(ctx, &iot.DescribeEndpointInput{EndpointType: aws.String(kind)})
	if err != nil {
		return "", fmt.Errorf("endpoint %s: %w", kind, err)
	}
	address := aws.ToString(out.EndpointAddress)
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address, nil
	}
	return net.JoinHostPort(address, port), nil
}

// endpoints are where devices find the cloud.
type endpoints struct{ mqtt, credentials string }

func (o *Operator) endpoints(ctx context.Context) (e endpoints, err error) {
	if e.mqtt, err = o.endpoint(ctx, "iot:Data-ATS", "8883"); err != nil {
		return e, err
	}
	e.credentials, err = o.endpoint(ctx, "iot:CredentialProvider", "443")
	return e, err
}
