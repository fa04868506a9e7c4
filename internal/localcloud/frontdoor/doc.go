// Package frontdoor is the one HTTP address behind which all local AWS
// services stand. It verifies the Signature Version 4 of every request, asks
// an authorizer whether its signer may do what it asks, and only then hands
// the request, with its body read and bounded, to the service that the
// credential scope names.
//
// Sources: AWS General Reference "Create a signed AWS API request"; Amazon S3
// API Reference "Authenticating Requests (AWS Signature Version 4)", its pages
// on query parameters and on chunked uploads; the Service Authorization
// Reference for actions and resource ARNs.
package frontdoor
