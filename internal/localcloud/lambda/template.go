package lambda

// FunctionProperties is what is honored of AWS::Lambda::Function. The code is
// not: each function runs the bootstrap its metadata names.
type FunctionProperties struct {
	FunctionName  string
	Handler       string
	Runtime       string // must be provided.al2023
	Architectures []string
	Role          string // ARN
	Timeout       int    // seconds
	MemorySize    int    // MB
	Description   string
	Environment   struct{ Variables map[string]string }

	ReservedConcurrentExecutions int
}

// EventInvokeConfigProperties is what is honored of
// AWS::Lambda::EventInvokeConfig.
type EventInvokeConfigProperties struct {
	FunctionName             string
	Qualifier                string
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds int
	DestinationConfig        struct{ OnFailure struct{ Destination string } }
}
