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
	// LambdaProvision is the pre-provisioning hook.
	LambdaProvision = "provision"
	LambdaFaces     = "faces"
	// LambdaThumbnails is told of each picture.
	LambdaThumbnails = "thumbnails"
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
	EnvResponseQueue   = "RESPONSE_QUEUE_URL"
	EnvDeviceRole      = "DEVICE_ROLE_ID"
	EnvDefaultOwner    = "DEFAULT_OWNER"
	EnvPictureQueue    = "PICTURE_QUEUE_URL"
	EnvNoticeTopic     = "NOTICE_TOPIC_ARN"
	EnvCooldown        = "REKOGNITION_COOLDOWN_SECONDS"
)

// The last parts of the names of the queues about faces. They end as those of
// the public project whose messages they carry do.
const (
	FaceRequests = "face-req-queue"
	FaceAnswers  = "face-resp-queue"
)

// ThumbnailPrefix starts every key in the thumbnail bucket; the thing's name
// follows it.
const ThumbnailPrefix = "thumbnails/"

// ClipPrefix starts the keys of video files that owners asked for.
const ClipPrefix = "clips/"

// PictureSuffix ends the keys of pictures that somebody is told of.
const PictureSuffix = ".jpg"

// ComponentPrefix starts the keys of the components' artifacts: the names of
// the components begin with it.
const ComponentPrefix = "porchlight."

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

// The rule of what sensors say: its name, and the filter in place of one part.
const (
	RuleSensors   = "sensors"
	FilterSensors = "sensors/+"
)

// ConfigShadow is the named shadow that holds a thing's camera settings.
const ConfigShadow = "config"

// Parameters of the provisioning template: the device gives the first, the
// hook the others.
const (
	ParameterSerial              = "SerialNumber"
	ParameterThing               = "ThingName"
	ParameterCredentialsEndpoint = "CredentialsEndpoint"
)

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
	OutComponentBucket    = "ComponentBucketName"
	OutCorePolicy         = "CorePolicyArn"
	OutTable              = "TableName"
	OutDeviceMessages     = "DeviceMessagesTopicArn"
	OutDeadLetterQueueURL = "DeadLetterQueueUrl"
	OutProvisioning       = "ProvisioningTemplateName"
	OutClaimPolicyName    = "ClaimPolicyName"
	OutFaceRequests       = "FaceRequestQueueUrl"
	OutFaceAnswers        = "FaceResponseQueueUrl"
	OutNotices            = "NoticesTopicArn"
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
