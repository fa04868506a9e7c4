package live

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	signingName = "kinesisvideo"
	// urlLife is how long an address can be connected to; the service takes up
	// to five minutes.
	urlLife = 299 * time.Second
	// emptyHash is the SHA-256 of nothing.
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// presign returns the address at which a viewer connects, and until when. It
// holds the credentials' key id and session token, which sign nothing without
// the secret: nobody can change the channel, the viewer or the time of it.
func (s *Service) presign(ctx context.Context, at place, clientID string) (address string, expires time.Time, err error) {
	u, err := url.Parse(at.wss)
	if err != nil || u.Host == "" {
		return "", expires, fmt.Errorf("%w: the endpoint for viewers is no URL", errAnswer)
	}
	scheme := u.Scheme
	switch scheme { // only of http is there a request to sign
	case "wss":
		u.Scheme = "https"
	case "ws":
		u.Scheme = "http"
	default:
		return "", expires, fmt.Errorf("%w: the endpoint for viewers is no WebSocket", errAnswer)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	creds, err := s.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", expires, fmt.Errorf("credentials: %w", err)
	}
	now, life := s.cfg.Now(), urlLife
	if creds.CanExpire { // and the address with them
		life = min(life, creds.Expires.Sub(now).Truncate(time.Second))
	}
	if life <= 0 {
		return "", expires, fmt.Errorf("credentials expired at %s", creds.Expires.UTC().Format(time.RFC3339))
	}
	u.RawQuery = url.Values{
		"X-Amz-ChannelARN": {at.arn}, "X-Amz-ClientId": {clientID}, "X-Amz-Expires": {strconv.Itoa(int(life / time.Second))},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", expires, fmt.Errorf("%w: the endpoint for viewers is no URL", errAnswer)
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, creds, req, emptyHash, signingName, s.cfg.Region, now)
	if err != nil {
		return "", expires, fmt.Errorf("sign the address for a viewer: %w", err)
	}
	if u, err = url.Parse(signed); err != nil {
		return "", expires, fmt.Errorf("%w: signing gave no URL", errAnswer)
	}
	u.Scheme = scheme
	return u.String(), now.Add(life), nil
}
