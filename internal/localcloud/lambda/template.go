package lambda

import (
	"fmt"
	"time"
)

// Image is the package type of functions that are container images. Here their
// program is run as it is; what the image sets in its environment, whoever
// makes the Function sets.
const Image = "Image"

// FunctionProperties is what is honored of AWS::Lambda::Function. The code is
// not: each function runs the bootstrap its metadata names.
type FunctionProperties struct {
	FunctionName  string
	Runtime       string // must be provided.al2023, or nothing for an image
	PackageType   string // Zip, also when empty, or Image
	Role          string // ARN
	Timeout       int    // seconds
	MemorySize    int    // MB
	Environment   struct{ Variables map[string]string }
	LoggingConfig struct{ LogFormat, LogGroup, ApplicationLogLevel string }

	ReservedConcurrentExecutions int // environments at the same time
}

// Function returns what to run for a function with this ARN and bootstrap.
// name stands in where the template leaves FunctionName to CloudFormation.
func (p FunctionProperties) Function(name, arn, bootstrap string) (Function, error) {
	switch {
	case p.PackageType == Image && p.Runtime == "":
	case p.PackageType != "" && p.PackageType != "Zip":
		return Function{}, fmt.Errorf("%w: %s has the package type %q and the runtime %q", ErrBadFunction, name, p.PackageType, p.Runtime)
	case p.Runtime != "provided.al2023":
		return Function{}, fmt.Errorf("%w: %s has the runtime %q, only provided.al2023 is known", ErrBadFunction, name, p.Runtime)
	}
	if p.FunctionName != "" {
		name = p.FunctionName
	}
	return Function{
		Name: name, ARN: arn, Role: p.Role, Path: bootstrap, Env: p.Environment.Variables,
		Timeout: time.Duration(p.Timeout) * time.Second, MemorySize: p.MemorySize,
		MaxConcurrency: p.ReservedConcurrentExecutions,
		LogFormat:      p.LoggingConfig.LogFormat, LogGroup: p.LoggingConfig.LogGroup, LogLevel: p.LoggingConfig.ApplicationLogLevel,
	}, nil
}

// EventInvokeConfigProperties is what is honored of
// AWS::Lambda::EventInvokeConfig.
type EventInvokeConfigProperties struct {
	FunctionName             string
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds int
	DestinationConfig        struct{ OnFailure struct{ Destination string } }
}

// Async returns the same for a Function.
func (p EventInvokeConfigProperties) Async() AsyncConfig {
	return AsyncConfig{
		Retries: p.MaximumRetryAttempts, MaxAge: time.Duration(p.MaximumEventAgeInSeconds) * time.Second,
		Destination: p.DestinationConfig.OnFailure.Destination,
	}
}
