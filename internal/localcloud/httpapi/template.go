package httpapi

// APIProperties is what is honored of AWS::ApiGatewayV2::Api.
type APIProperties struct {
	Name              string
	ProtocolType      string // must be HTTP
	CorsConfiguration *Cors
}

// Cors is its CorsConfiguration.
type Cors struct {
	AllowCredentials bool
	AllowHeaders     []string
	AllowMethods     []string
	AllowOrigins     []string
	ExposeHeaders    []string
	MaxAge           int // seconds
}

// RouteProperties is what is honored of AWS::ApiGatewayV2::Route.
type RouteProperties struct {
	APIID               string `json:"ApiId"`
	RouteKey            string // "GET /path/{param}", "ANY /{proxy+}" or "$default"
	Target              string // integrations/<id>
	AuthorizationType   string // NONE or JWT
	AuthorizerID        string `json:"AuthorizerId"`
	AuthorizationScopes []string
}

// IntegrationProperties is what is honored of AWS::ApiGatewayV2::Integration.
type IntegrationProperties struct {
	APIID                string `json:"ApiId"`
	IntegrationType      string // must be AWS_PROXY
	IntegrationURI       string `json:"IntegrationUri"` // function ARN, or its invocation URI
	PayloadFormatVersion string // must be 2.0
	TimeoutInMillis      int    // 0: 30 s
}

// AuthorizerProperties is what is honored of AWS::ApiGatewayV2::Authorizer.
type AuthorizerProperties struct {
	APIID            string `json:"ApiId"`
	AuthorizerType   string // must be JWT
	IdentitySource   []string
	JwtConfiguration struct {
		Audience []string
		Issuer   string
	}
}

// StageProperties is what is honored of AWS::ApiGatewayV2::Stage.
type StageProperties struct {
	APIID                string `json:"ApiId"`
	StageName            string // must be $default
	DefaultRouteSettings *RouteSettings
	RouteSettings        map[string]RouteSettings // by route key
}

// RouteSettings are a stage's limits; zero: none.
type RouteSettings struct {
	ThrottlingBurstLimit int     // requests
	ThrottlingRateLimit  float64 // requests per second
}
