package signaling

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const signingName = "kinesisvideo"

// urlLife is how long an address can be connected to.
const urlLife = 299 * time.Second

// Presign returns the address of a channel's WebSocket for a client. It is a
// secret: who has it can connect, for 299 s. clientID is empty for the master
// (https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-websocket-apis.html).
func Presign(ctx context.Context, e Endpoints, clientID, region string, creds aws.Credentials, now time.Time) (string, error) {
	u, err := url.Parse(e.WSS)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%w: the endpoint is no URL", ErrChannel)
	}
	scheme := u.Scheme
	switch scheme {
	case "wss":
		u.Scheme = "https"
	case "ws":
		u.Scheme = "http"
	default:
		return "", fmt.Errorf("%w: the endpoint is no WebSocket", ErrChannel)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	query := url.Values{"X-Amz-ChannelARN": {e.ARN}, "X-Amz-Expires": {strconv.Itoa(int(urlLife.Seconds()))}}
	if clientID != "" {
		query.Set("X-Amz-ClientId", clientID)
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fmt.Errorf("%w: the endpoint is no URL", ErrChannel)
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, creds, req, emptyHash, signingName, region, now)
	if err != nil {
		return "", fmt.Errorf("%w: signing: %w", ErrConnection, err)
	}
	if u, err = url.Parse(signed); err != nil {
		return "", fmt.Errorf("%w: signing gave no URL", ErrConnection)
	}
	u.Scheme = scheme
	return u.String(), nil
}
