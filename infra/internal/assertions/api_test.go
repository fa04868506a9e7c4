package assertions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/naming"
)

// documented returns the routes of the OpenAPI document: "GET /v1/cameras".
func documented(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(infra, "..", "internal", "cloud", "api", "openapi.yaml"))
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(data, &doc))
	var routes []string
	for path, item := range doc.Paths {
		for key := range item {
			switch key {
			case "get", "put", "post", "delete", "patch", "head", "options", "trace":
				routes = append(routes, strings.ToUpper(key)+" "+path)
			}
		}
	}
	require.NotEmpty(t, routes)
	return routes
}

func TestRoutesAreThoseOfTheOpenAPIDocument(t *testing.T) {
	var routes []string
	for _, route := range load(t).ofType(t, "AWS::ApiGatewayV2::Route") {
		routes = append(routes, route.Properties["RouteKey"].(string))
	}
	require.ElementsMatch(t, documented(t), routes)
}

func TestEveryRouteAsksForAnOwner(t *testing.T) {
	tmpl := load(t)
	authorizer, _ := tmpl.only(t, "AWS::ApiGatewayV2::Authorizer")
	integration, _ := tmpl.only(t, "AWS::ApiGatewayV2::Integration")
	api, _ := tmpl.only(t, "AWS::ApiGatewayV2::Api")
	for _, route := range tmpl.ofType(t, "AWS::ApiGatewayV2::Route") {
		p := route.Properties
		require.Equal(t, api, target(t, p["ApiId"]))
		require.Equal(t, "JWT", p["AuthorizationType"])
		require.Equal(t, authorizer, target(t, p["AuthorizerId"]))
		require.Equal(t, []any{"openid"}, p["AuthorizationScopes"])
		require.Equal(t, "integrations/<"+integration+">", flat(t, p["Target"]))
	}
}

func TestAuthorizerTrustsThePoolAndTheApp(t *testing.T) {
	tmpl := load(t)
	pool, _ := tmpl.only(t, "AWS::Cognito::UserPool")
	client, _ := tmpl.only(t, "AWS::Cognito::UserPoolClient")
	_, authorizer := tmpl.only(t, "AWS::ApiGatewayV2::Authorizer")
	p := authorizer.Properties
	require.Equal(t, "JWT", p["AuthorizerType"])
	require.Equal(t, []any{"$request.header.Authorization"}, p["IdentitySource"])
	require.Equal(t, "<"+pool+".ProviderURL>", flat(t, at(t, p, "JwtConfiguration", "Issuer")))
	require.Equal(t, []string{"<" + client + ">"}, texts(t, at(t, p, "JwtConfiguration", "Audience")))
}

func TestIntegrationAndStage(t *testing.T) {
	tmpl := load(t)
	_, integration := tmpl.only(t, "AWS::ApiGatewayV2::Integration")
	require.Equal(t, "AWS_PROXY", integration.Properties["IntegrationType"])
	require.Equal(t, "2.0", integration.Properties["PayloadFormatVersion"])
	fn := tmpl.Resources[target(t, integration.Properties["IntegrationUri"])]
	require.Equal(t, "api", fn.Metadata[naming.LambdaMetadata])

	_, stage := tmpl.only(t, "AWS::ApiGatewayV2::Stage")
	require.Equal(t, "$default", stage.Properties["StageName"])
	require.Equal(t, true, stage.Properties["AutoDeploy"])
	require.Positive(t, at(t, stage.Properties, "DefaultRouteSettings", "ThrottlingRateLimit"))
	require.Positive(t, at(t, stage.Properties, "DefaultRouteSettings", "ThrottlingBurstLimit"))

	format := at(t, stage.Properties, "AccessLogSettings", "Format").(string)
	var line map[string]string
	require.NoError(t, yaml.Unmarshal([]byte(format), &line), "the access log is JSON")
	require.Equal(t, "$context.requestId", line["request_id"])
	require.NotContains(t, strings.ToLower(format), "authorization\"")
}

func TestSignIn(t *testing.T) {
	tmpl := load(t)
	_, pool := tmpl.only(t, "AWS::Cognito::UserPool")
	require.Equal(t, true, at(t, pool.Properties, "AdminCreateUserConfig", "AllowAdminCreateUserOnly"))
	require.Equal(t, []any{"email"}, pool.Properties["UsernameAttributes"])
	require.Equal(t, "LITE", pool.Properties["UserPoolTier"])
	require.Equal(t, "ACTIVE", pool.Properties["DeletionProtection"])
	require.EqualValues(t, 12, at(t, pool.Properties, "Policies", "PasswordPolicy", "MinimumLength"))

	_, client := tmpl.only(t, "AWS::Cognito::UserPoolClient")
	p := client.Properties
	require.Equal(t, false, p["GenerateSecret"])
	require.Equal(t, []any{"code"}, p["AllowedOAuthFlows"])
	require.Equal(t, []any{"openid", "email"}, p["AllowedOAuthScopes"])
	require.Equal(t, []any{"ALLOW_REFRESH_TOKEN_AUTH"}, p["ExplicitAuthFlows"])
	require.Equal(t, true, p["EnableTokenRevocation"])
	require.Equal(t, "ENABLED", p["PreventUserExistenceErrors"])
}
