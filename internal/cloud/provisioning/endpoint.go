package provisioning

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iot"
)

// endpointPatience is part of the 5 s that AWS IoT gives the hook.
const endpointPatience = 2 * time.Second

// Describer is the part of AWS IoT that is used.
type Describer interface {
	DescribeEndpoint(context.Context, *iot.DescribeEndpointInput, ...func(*iot.Options)) (*iot.DescribeEndpointOutput, error)
}

// CredentialsEndpoint returns a function that asks AWS IoT for the account's
// credentials endpoint, host:port. It never changes, so one answer does.
func CredentialsEndpoint(api Describer) func(context.Context) (string, error) {
	var mu sync.Mutex
	known := ""
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != "" {
			return known, nil
		}
		ctx, cancel := context.WithTimeout(ctx, endpointPatience)
		defer cancel()
		out, err := api.DescribeEndpoint(ctx, &iot.DescribeEndpointInput{EndpointType: aws.String("iot:CredentialProvider")})
		if err != nil {
			return "", fmt.Errorf("describe the credentials endpoint: %w", err)
		}
		address := aws.ToString(out.EndpointAddress)
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(address, "443")
		}
		known = address
		return known, nil
	}
}
