package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	icePath    = "/v1/get-ice-server-config"
	iceTimeout = 3 * time.Second // of one request
	mostAnswer = 64 << 10        // bytes
	mostReason = 4 << 10         // bytes of an error
	mostICE    = 16              // servers, and addresses of one
)

// ICEServer is a STUN server, or a relay (TURN) with credentials, as
// RTCPeerConnection takes it.
type ICEServer struct {
	URLs                 []string
	Username, Credential string
}

// iceServers asks for the relays of a channel, again where that may help.
func (s *Service) iceServers(ctx context.Context, at place, clientID string) ([]ICEServer, error) {
	for attempt := 1; ; attempt++ {
		servers, err := s.askICE(ctx, at, clientID)
		if err == nil || attempt == attempts || !s.retryer.IsErrorRetryable(err) {
			return servers, err
		}
		wait, waitErr := s.retryer.RetryDelay(attempt, err)
		if waitErr != nil {
			return nil, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// askICE is GetIceServerConfig, of which the SDK's module is not at hand
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_signaling_GetIceServerConfig.html).
func (s *Service) askICE(ctx context.Context, at place, clientID string) ([]ICEServer, error) {
	ctx, cancel := context.WithTimeout(ctx, iceTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"ChannelARN": at.arn, "ClientId": clientID, "Service": "TURN"})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(at.https, "/")+icePath, bytes.NewReader(body))
	if err != nil || req.URL.Host == "" {
		return nil, fmt.Errorf("%w: the endpoint for relays is no URL", errAnswer)
	}
	req.Header.Set("Content-Type", "application/json")
	creds, err := s.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), signingName, s.cfg.Region, s.cfg.Now()); err != nil {
		return nil, fmt.Errorf("sign GetIceServerConfig: %w", err)
	}
	resp, err := s.cfg.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GetIceServerConfig: %w", &smithyhttp.RequestSendError{Err: err})
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GetIceServerConfig: %w", refusal(resp))
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("GetIceServerConfig: %w", &smithyhttp.RequestSendError{Err: err})
	}
	relays, err := parseICE(raw)
	if err != nil {
		return nil, err
	}
	return append(stunServers(at.https, s.cfg.Region), relays...), nil
}

// refusal is the error that an answer is, in the form of the SDK's. Of what the
// service says it has the first line: others repeat what was signed.
func refusal(resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, mostReason))
	var said struct{ Message string }
	_ = json.Unmarshal(raw, &said) // the status and the code are enough
	reason, _, _ := strings.Cut(said.Message, "\n")
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":") // a URL may follow
	return &awshttp.ResponseError{
		RequestID: resp.Header.Get("X-Amzn-Requestid"),
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: resp},
			Err:      &smithy.GenericAPIError{Code: code, Message: reason},
		},
	}
}

// parseICE reads the answer, and leaves out what a browser would not take.
func parseICE(raw []byte) ([]ICEServer, error) {
	var answer struct {
		IceServerList []struct {
			Uris               []string
			Username, Password string
		}
	}
	if len(raw) > mostAnswer {
		return nil, fmt.Errorf("%w: the list of relays has more than %d bytes", errAnswer, mostAnswer)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%w: the list of relays is not that: %w", errAnswer, err)
	}
	var out []ICEServer
	for _, server := range answer.IceServerList[:min(len(answer.IceServerList), mostICE)] {
		urls := slices.DeleteFunc(server.Uris, func(uri string) bool { return !usable(uri) })
		if len(urls) > 0 {
			out = append(out, ICEServer{URLs: urls[:min(len(urls), mostICE)], Username: server.Username, Credential: server.Password})
		}
	}
	return out, nil
}

// usable says whether a URI is of a kind that there is
// (https://www.rfc-editor.org/rfc/rfc7064, https://www.rfc-editor.org/rfc/rfc7065).
func usable(uri string) bool {
	kind, rest, _ := strings.Cut(uri, ":")
	return rest != "" && slices.Contains([]string{"stun", "stuns", "turn", "turns"}, kind)
}

// stunServers are those of AWS where the endpoint is; the relay of one machine
// needs none beside it.
func stunServers(endpoint, region string) []ICEServer {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil
	}
	for _, domain := range []string{"amazonaws.com", "amazonaws.com.cn"} {
		if strings.HasSuffix(u.Hostname(), "."+domain) {
			return []ICEServer{{URLs: []string{"stun:stun.kinesisvideo." + region + "." + domain + ":443"}}}
		}
	}
	return nil
}
