// Package naming holds every name that something outside the stack relies on:
// keys and indexes the Lambdas use, topics and prefixes the devices use,
// environment variables, outputs, and the few physical names.
package naming

// The stack and its base name.
const (
	Stack = "Porchlight"
	base  = "porchlight"
)

// The table. All keys are strings.
const (
	PartitionKey      = "pk"
	SortKey           = "sk"
	Index             = "gsi1"
	IndexPartitionKey = "gsi1pk"
	IndexSortKey      = "gsi1sk"
	TTLAttribute      = "expires_at" // epoch seconds
)

// The Lambdas: folders under lambdas/ at the repository root.
const (
	LambdaEvents = "events"
	LambdaAPI    = "api"
	// LambdaMetadata is the key in a function's template metadata that names
	// its folder, which is how the local cloud finds the binary.
	LambdaMetadata = "porchlight:lambda"
)

// Environment variables of the Lambdas.
const (
	EnvTable           = "TABLE_NAME"
	EnvRetentionDays   = "EVENT_RETENTION_DAYS"
	EnvThumbnailBucket = "THUMBNAIL_BUCKET"
	EnvCursorSecret    = "CURSOR_SECRET_ARN"
)

// ThumbnailPrefix starts every key in the thumbnail bucket; the thing's name
// follows it.
const ThumbnailPrefix = "thumbnails/"

// UpdatePrefix is where in the same bucket the files of updates are, which
// every device may read.
const UpdatePrefix = "updates/"

// TopicRoot starts every MQTT topic of ours; the thing's name follows it.
const TopicRoot = "porchlight/v1/"

// The last parts of the topics under a thing.
const (
	TopicEvents    = "events"
	TopicStatus    = "status"
	TopicTelemetry = "telemetry"
	TopicReplies   = "replies"
	TopicSensors   = "sensors/*"
	TopicSensorSet = "sensors/*/set" // cloud to device
	TopicCommands  = "commands"
)

// ConfigShadow is the named shadow that holds a thing's camera settings.
const ConfigShadow = "config"

// ScopeOpenID is what every API route asks of an access token. An ID token
// carries no scope, so it is refused.
const ScopeOpenID = "openid"

// Outputs of the stack.
const (
	OutAPIURL             = "ApiUrl"
	OutUserPoolID         = "UserPoolId"
	OutUserPoolClientID   = "UserPoolClientId"
	OutIssuer             = "Issuer"
	OutSignInURL          = "SignInUrl"
	OutThingPolicyName    = "ThingPolicyName"
	OutRoleAliasName      = "RoleAliasName"
	OutThumbnailBucket    = "ThumbnailBucketName"
	OutTable              = "TableName"
	OutDeviceMessages     = "DeviceMessagesTopicArn"
	OutDeadLetterQueueURL = "DeadLetterQueueUrl"
)

// StackName is the CloudFormation stack of a stage: prod has the plain name.
func StackName(stage string) string {
	if stage == "prod" {
		return Stack
	}
	return Stack + "-" + stage
}

// Scoped is a physical name that is unique to the stage within an account.
func Scoped(stage, name string) string { return base + "-" + stage + "-" + name }

// API is the HTTP API's name, as the console shows it.
func API(stage string) string { return base + "-" + stage }

// DomainPrefix starts the default sign-in host name; the account id follows
// it, because the name must be unique in the whole region.
func DomainPrefix(stage string) string { return base + "-" + stage + "-" }
