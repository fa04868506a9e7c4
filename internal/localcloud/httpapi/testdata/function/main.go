// Command function answers with the owner that the gateway found in the token.
package main

import (
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		body, err := json.Marshal(map[string]string{
			"owner":    r.RequestContext.Authorizer.JWT.Claims["sub"],
			"event_id": r.PathParameters["event_id"],
		})
		return events.APIGatewayV2HTTPResponse{
			StatusCode: 200, Body: string(body), Headers: map[string]string{"Content-Type": "application/json"},
		}, err
	})
}
