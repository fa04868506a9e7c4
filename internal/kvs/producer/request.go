package producer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// emptyHash is the SHA-256 of nothing: a body that goes on for an hour cannot
// be signed, and Kinesis Video Streams does not ask for it.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const signingName = "kinesisvideo"

// sendBuffer bounds what waits in the kernel, in bytes, so that a server that
// has stopped reading is noticed soon. It is enough for 20 Mbit/s at 100 ms.
const sendBuffer = 256 << 10

// newTLS is what all connections of a producer share: reconnecting is quicker
// with a session to resume.
func newTLS(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg = cfg.Clone()
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

// newTransport speaks HTTP/1.1 alone: PutMedia has no other, and its answers
// come while the request is still being sent. lost is called when nothing more
// will be read: the HTTP library alone would notice when it next writes.
func newTransport(tlsConfig *tls.Config, lost func()) *http.Transport {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(sendBuffer) // a wish
				// What is given up with a connection must not arrive late, beside
				// the same sent again; what ends in good order has arrived.
				_ = tcp.SetLinger(0)
			}
			return &heardConn{c, lost}, nil
		},
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: 5 * time.Second,
		Protocols:           protocols,
		DisableKeepAlives:   true, // a stream allows one connection
		DisableCompression:  true,
		WriteBufferSize:     32 << 10,
	}
}

// heardConn says when nothing more can be read from it.
type heardConn struct {
	net.Conn
	lost func()
}

func (c *heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.lost()
	}
	return n, err
}

// newRequest makes the signed request
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html).
func newRequest(ctx context.Context, endpoint, stream, region string, creds aws.Credentials, body io.Reader, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/putMedia", body)
	if err != nil {
		return nil, fmt.Errorf("%w: the endpoint %q is no URL: %w", ErrConnection, endpoint, err)
	}
	req.ContentLength = -1
	req.Header.Set("x-amzn-stream-name", stream)
	req.Header.Set("x-amzn-fragment-timecode-type", "ABSOLUTE")
	req.Header.Set("x-amzn-producer-start-timestamp", fmt.Sprintf("%d.%03d", now.Unix(), now.Nanosecond()/1e6))
	req.Header.Set("x-amzn-fragment-acknowledgment-required", "1")
	req.Header.Set("User-Agent", "porchlight")
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, emptyHash, signingName, region, now); err != nil {
		return nil, fmt.Errorf("%w: signing: %w", ErrConnection, err)
	}
	return req, nil
}

// explain reads why a request was rejected. Bodies are `{"message":"…"}`.
func explain(resp *http.Response) *fault {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	message := strings.TrimSpace(string(body))
	if len(message) > 300 {
		message = message[:300]
	}
	if id := resp.Header.Get("x-amz-RequestId"); id != "" {
		message += " (request " + id + ")"
	}
	kind := resp.Header.Get("x-amz-ErrorType")
	if kind == "" {
		kind = resp.Header.Get("x-amzn-ErrorType")
	}
	return rejection(resp.StatusCode, kind, message)
}
