package signin

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/stage"
)

const (
	passwordLength       = 12
	invitationDays       = 7
	accessTokenHours     = 1
	refreshTokenDays     = 30
	signInSessionMinutes = 5
)

// SignIn is the pool, the app's client and the hosted page.
type SignIn struct {
	pool   awscognito.UserPool
	client awscognito.UserPoolClient
	domain awscognito.UserPoolDomain
}

// New makes the sign-in. Accounts are made by invitation; the plan is the one
// without paid features.
func New(scope constructs.Construct, id string, props Props) *SignIn {
	parent := constructs.NewConstruct(scope, jsii.String(id))
	pool := newPool(parent, props.Stage)
	return &SignIn{
		pool:   pool,
		client: newClient(pool, props.Stage),
		domain: pool.AddDomain(jsii.String("Domain"), &awscognito.UserPoolDomainOptions{
			CognitoDomain: &awscognito.CognitoDomainOptions{DomainPrefix: domainPrefix(props.Stage)},
		}),
	}
}

func newPool(scope constructs.Construct, s stage.Stage) awscognito.UserPool {
	removal := awscdk.RemovalPolicy_DESTROY
	if s.Retain {
		removal = awscdk.RemovalPolicy_RETAIN
	}
	yes, no := jsii.Bool(true), jsii.Bool(false)
	return awscognito.NewUserPool(scope, jsii.String("Pool"), &awscognito.UserPoolProps{
		FeaturePlan:         awscognito.FeaturePlan_LITE,
		SelfSignUpEnabled:   no,
		SignInAliases:       &awscognito.SignInAliases{Email: yes},
		SignInCaseSensitive: no,
		AutoVerify:          &awscognito.AutoVerifiedAttrs{Email: yes},
		StandardAttributes: &awscognito.StandardAttributes{
			Email: &awscognito.StandardAttribute{Required: yes, Mutable: yes},
		},
		AccountRecovery: awscognito.AccountRecovery_EMAIL_ONLY,
		Mfa:             awscognito.Mfa_OPTIONAL,
		MfaSecondFactor: &awscognito.MfaSecondFactor{Otp: yes, Sms: no},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:            jsii.Number(passwordLength),
			RequireDigits:        yes,
			RequireLowercase:     yes,
			RequireUppercase:     yes,
			RequireSymbols:       yes,
			TempPasswordValidity: awscdk.Duration_Days(jsii.Number(invitationDays)),
		},
		DeletionProtection: jsii.Bool(s.Retain),
		RemovalPolicy:      removal,
	})
}

// newClient makes the client of the app in the browser. It can keep no
// secret, so it has none: it signs in with an authorization code and PKCE
// (RFC 7636) on the hosted page and in no other way.
func newClient(pool awscognito.UserPool, s stage.Stage) awscognito.UserPoolClient {
	yes, no := jsii.Bool(true), jsii.Bool(false)
	urls := jsii.Strings(s.CallbackURLs...)
	return pool.AddClient(jsii.String("App"), &awscognito.UserPoolClientOptions{
		GenerateSecret: no,
		// Naming one flow keeps Cognito's defaults, which allow more, away.
		AuthFlows: &awscognito.AuthFlow{UserSrp: no},
		OAuth: &awscognito.OAuthSettings{
			Flows: &awscognito.OAuthFlows{AuthorizationCodeGrant: yes, ImplicitCodeGrant: no, ClientCredentials: no},
			Scopes: &[]awscognito.OAuthScope{
				awscognito.OAuthScope_OPENID(), awscognito.OAuthScope_EMAIL(),
			},
			CallbackUrls: urls,
			LogoutUrls:   urls,
		},
		SupportedIdentityProviders: &[]awscognito.UserPoolClientIdentityProvider{
			awscognito.UserPoolClientIdentityProvider_COGNITO(),
		},
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(accessTokenHours)),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(accessTokenHours)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(refreshTokenDays)),
		AuthSessionValidity:        awscdk.Duration_Minutes(jsii.Number(signInSessionMinutes)),
		EnableTokenRevocation:      yes,
		PreventUserExistenceErrors: yes,
	})
}

func domainPrefix(s stage.Stage) *string {
	if s.DomainPrefix != "" {
		return jsii.String(s.DomainPrefix)
	}
	return awscdk.Fn_Join(jsii.String(""), &[]*string{
		jsii.String(naming.DomainPrefix(s.Name)), awscdk.Aws_ACCOUNT_ID(),
	})
}

// Issuer of the pool's tokens, known when it is deployed.
func (s *SignIn) Issuer() *string { return s.pool.UserPoolProviderUrl() }

// PoolID of the user pool, known when it is deployed.
func (s *SignIn) PoolID() *string { return s.pool.UserPoolId() }

// ClientID of the app's client, known when it is deployed.
func (s *SignIn) ClientID() *string { return s.client.UserPoolClientId() }

// URL of the hosted sign-in page, without a path.
func (s *SignIn) URL() *string { return s.domain.BaseUrl(nil) }
