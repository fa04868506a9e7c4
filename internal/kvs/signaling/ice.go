package signaling

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
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"porchlight/internal/backoff"
)

const (
	icePath      = "/v1/get-ice-server-config"
	maxICEAnswer = 64 << 10 // bytes
	maxICE       = 16       // servers
	defaultICE   = 300      // seconds, where the service names none
)

// iceCache keeps ICE servers for as long as they are good.
type iceCache struct {
	busy chan struct{} // holds one: who may ask

	mu      sync.Mutex
	servers []ICEServer
	asked   time.Time
	until   time.Time // zero: nothing is known
}

func newICECache() *iceCache { return &iceCache{busy: make(chan struct{}, 1)} }

// known returns servers that are good for as long as given, or for half of the
// time that the service gives, where that is less.
func (i *iceCache) known(good time.Duration) ([]ICEServer, time.Time, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	left := time.Until(i.until)
	return i.servers, i.until, left > 0 && left >= min(good, i.until.Sub(i.asked)/2)
}

// get returns what is known, or asks. Many may call it at once and one asks.
func (i *iceCache) get(ctx context.Context, good time.Duration, ask func(context.Context) ([]ICEServer, time.Duration, error)) ([]ICEServer, time.Time, error) {
	if servers, until, ok := i.known(good); ok {
		return servers, until, nil
	}
	select {
	case i.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
	defer func() { <-i.busy }()
	if servers, until, ok := i.known(good); ok { // another has asked
		return servers, until, nil
	}
	asked := time.Now()
	servers, ttl, err := ask(ctx)
	if err != nil {
		if servers, until, ok := i.known(0); ok {
			return servers, until, nil // better than none
		}
		return nil, time.Time{}, err
	}
	until := asked.Add(ttl)
	for n := range servers {
		if servers[n].Credential != "" {
			servers[n].Expires = until
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.servers, i.asked, i.until = servers, asked, until
	return servers, until, nil
}

// forget has the next get ask.
func (i *iceCache) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.until = time.Time{}
}

// ICEServers returns STUN servers and relays. Credentials are good for
// Timing.Fresh at least, unless the service cannot be asked or gives less.
func (c *Client) ICEServers(ctx context.Context) ([]ICEServer, error) {
	servers, _, err := c.ice.get(ctx, c.timing.Fresh, c.askICE)
	return append([]ICEServer(nil), servers...), err
}

// keepICE has ICE servers at hand before anyone asks, so that no viewer waits
// for them.
func (c *Client) keepICE(ctx context.Context) {
	retry := backoff.Backoff{Min: c.timing.RetryMin, Max: c.timing.RetryMax}
	for ctx.Err() == nil {
		_, until, err := c.ice.get(ctx, 2*c.timing.Fresh, c.askICE)
		wait := retry.Delay()
		if err == nil {
			retry.Reset()
			left := time.Until(until)
			wait = max(left-min(2*c.timing.Fresh, left/2), c.timing.RetryMin)
		} else if ctx.Err() == nil {
			c.log.Debug("ICE servers are not known", "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.renewICE:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

type iceAnswer struct {
	IceServerList []struct {
		Uris               []string
		Username, Password string
		Ttl                int //nolint:revive // the name in the API
	}
}

// askICE asks the service
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_signaling_GetIceServerConfig.html).
func (c *Client) askICE(ctx context.Context) ([]ICEServer, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*c.timing.Handshake) // for all of its steps
	defer cancel()
	at, err := c.cfg.Directory.Endpoints(ctx, c.cfg.Channel, c.role, false)
	if err != nil {
		return nil, 0, err
	}
	in := map[string]string{"ChannelARN": at.ARN, "Service": "TURN"}
	if c.cfg.ClientID != "" {
		in["ClientId"] = c.cfg.ClientID
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(at.HTTPS, "/")+icePath, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: the endpoint is no URL", ErrChannel)
	}
	req.Header.Set("Content-Type", "application/json")
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: credentials: %w", ErrConnection, err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), signingName, c.cfg.Region, time.Now()); err != nil {
		return nil, 0, fmt.Errorf("%w: signing: %w", ErrConnection, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: asking for ICE servers: %w", ErrConnection, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, 0, rejection(resp, "asking for ICE servers")
	}
	var answer iceAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxICEAnswer)).Decode(&answer); err != nil {
		return nil, 0, fmt.Errorf("%w: the ICE servers cannot be read: %w", ErrConnection, err)
	}
	servers, ttl := answer.servers()
	return append(stunServers(at.HTTPS, c.cfg.Region), servers...), ttl, nil
}

// servers returns those with addresses, and how long all of them are good for.
func (a iceAnswer) servers() (out []ICEServer, ttl time.Duration) {
	for _, s := range a.IceServerList[:min(len(a.IceServerList), maxICE)] {
		if len(s.Uris) == 0 {
			continue
		}
		out = append(out, ICEServer{URLs: s.Uris, Username: s.Username, Credential: s.Password})
		if s.Ttl > 0 && (ttl == 0 || time.Duration(s.Ttl)*time.Second < ttl) {
			ttl = time.Duration(min(s.Ttl, 24*3600)) * time.Second
		}
	}
	if ttl == 0 {
		ttl = defaultICE * time.Second
	}
	return out, ttl
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
