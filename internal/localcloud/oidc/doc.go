// Package oidc is the local sign-in that stands in for Cognito's hosted UI:
// an OpenID Connect provider with authorization code and PKCE for the public
// clients of the template, a sign-in page, and users, signing key and refresh
// tokens in one file.
//
// The protocol is github.com/zitadel/oidc; tokens have Cognito's claims
// (https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html)
// and the endpoints Cognito's paths.
package oidc
