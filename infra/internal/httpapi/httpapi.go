package httpapi

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/loggroup"
	"porchlight/infra/internal/naming"
)

// The most that one deployment answers, over all owners. Above it the gateway
// says 429 and the bill stays flat.
const (
	requestsPerSecond = 100
	burst             = 200
)

// accessLogFormat is one JSON object a request. It names the owner by subject
// alone, and neither the query nor any token.
const accessLogFormat = `{"time":"$context.requestTime","request_id":"$context.requestId",` +
	`"route":"$context.routeKey","status":"$context.status","bytes":"$context.responseLength",` +
	`"latency_ms":"$context.responseLatency","ip":"$context.identity.sourceIp",` +
	`"owner":"$context.authorizer.claims.sub","error":"$context.error.message",` +
	`"authorizer_error":"$context.authorizer.error","integration_error":"$context.integrationErrorMessage"}`

// reads and writes are the paths of the routes, GET and POST. A test holds them
// against the API's OpenAPI document.
func reads() []string {
	return []string{
		"/v1/cameras", "/v1/cameras/{camera}/clip", "/v1/cameras/{camera}/playback", "/v1/cameras/{camera}/recordings",
		"/v1/events", "/v1/events/{event_id}", "/v1/events/{event_id}/clip", "/v1/events/{event_id}/playback",
	}
}

func writes() []string { return []string{"/v1/cameras/{camera}/live"} }

// New makes the API and returns its address. The app is served from the same
// origin, so no other origin is let in (no CORS).
func New(scope constructs.Construct, id string, props Props) *string {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	api := awsapigatewayv2.NewHttpApi(parent, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:            jsii.String(naming.API(props.Stage.Name)),
		Description:        jsii.String("What the homeowner's app calls"),
		CreateDefaultStage: jsii.Bool(false),
		DefaultAuthorizer: awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Owner"), props.Issuer,
			&awsapigatewayv2authorizers.HttpJwtAuthorizerProps{
				JwtAudience:    &[]*string{props.ClientID},
				IdentitySource: jsii.Strings("$request.header.Authorization"),
			}),
		DefaultAuthorizationScopes: jsii.Strings(naming.ScopeOpenID),
	})
	handler := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Handler"), props.Handler, nil)
	route := func(method awsapigatewayv2.HttpMethod, paths []string) {
		for _, path := range paths {
			api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
				Path: jsii.String(path), Methods: &[]awsapigatewayv2.HttpMethod{method}, Integration: handler,
			})
		}
	}
	route(awsapigatewayv2.HttpMethod_GET, reads())
	route(awsapigatewayv2.HttpMethod_POST, writes())
	logs := loggroup.New(parent, "AccessLogs", props.Stage.LogDays)
	awsapigatewayv2.NewCfnStage(parent, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      api.ApiId(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit:  jsii.Number(requestsPerSecond),
			ThrottlingBurstLimit: jsii.Number(burst),
		},
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			// The gateway wants the group's ARN without the ":*" that the
			// group's own attribute ends in.
			DestinationArn: awscdk.Stack_Of(parent).FormatArn(&awscdk.ArnComponents{
				Service: jsii.String("logs"), Resource: jsii.String("log-group"),
				ResourceName: logs.LogGroupName(), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
			}),
			Format: jsii.String(accessLogFormat),
		},
	})
	return api.ApiEndpoint()
}
