package iot

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/eclipse/paho.golang/packets"
	"github.com/gorilla/websocket"
)

// ErrSignature means that the endpoint did not accept a signed request.
var ErrSignature = errors.New("the endpoint does not accept the AWS credentials")

// WebSocket connects with AWS credentials instead of a certificate, for what
// has the one and not the other. All fields are required. Protocol:
// https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html#mqtt-ws.
type WebSocket struct {
	Credentials aws.CredentialsProvider // asked anew for every attempt
	Region      string
}

const tokenParameter = "X-Amz-Security-Token"

// presign returns the address to connect to, which is a secret: it holds the
// signature. IoT Core wants the session token unsigned, which is why it is not
// left to the signer.
func (w *WebSocket) presign(ctx context.Context, endpoint string, now time.Time) (string, error) {
	credentials, err := w.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("sign the connection: %w", err)
	}
	// The host that is signed is the one of the Host header, which has no port
	// where it is the usual one.
	host := strings.TrimSuffix(endpoint, ":443")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "wss://"+host+"/mqtt", nil)
	if err != nil {
		return "", fmt.Errorf("sign the connection: %w", err)
	}
	token := credentials.SessionToken
	credentials.SessionToken = ""
	empty := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, credentials, request, hex.EncodeToString(empty[:]), "iotdevicegateway", w.Region, now)
	if err != nil {
		return "", fmt.Errorf("sign the connection: %w", err)
	}
	if token != "" {
		signed += "&" + tokenParameter + "=" + url.QueryEscape(token)
	}
	return signed, nil
}

func (w *WebSocket) dial(ctx context.Context, reach dialFunc, endpoint string, tlsConfig *tls.Config, now time.Time) (net.Conn, error) {
	address, err := w.presign(ctx, endpoint, now)
	if err != nil {
		return nil, &faultError{ErrSignature, "there are none", "check where this device gets its credentials", err}
	}
	dialer := websocket.Dialer{
		NetDialContext: reach, Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlsConfig, Subprotocols: []string{"mqtt"},
	}
	conn, response, err := dialer.DialContext(ctx, address, nil)
	if response != nil {
		defer response.Body.Close()
	}
	if err != nil {
		if response == nil {
			return nil, fmt.Errorf("connect by websocket: %w", err)
		}
		return nil, refusedHandshake(response, now, err)
	}
	conn.SetReadLimit(maxPacket)
	return packets.NewThreadSafeConn(&socket{Conn: conn}), nil
}

func refusedHandshake(response *http.Response, now time.Time, err error) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
	err = fmt.Errorf("%w: %s: %q", err, response.Status, text)
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &faultError{
			ErrSignature, "the signature, or what the credentials may do, is refused",
			"check that the credentials are those of the account and region of the endpoint, that they allow iot:Connect, and the clock (it says " +
				now.UTC().Format("2006-01-02 15:04 MST") + ")", err,
		}
	}
	return &faultError{ErrUnreachable, "it does not speak MQTT by WebSocket", "use the account's data endpoint (iot:Data-ATS)", err}
}

// socket carries MQTT in binary messages: MQTT 5.0, 6. Packets and messages
// need not begin together. One reader and one writer at a time.
type socket struct {
	*websocket.Conn
	reader io.Reader // of the message in progress
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	for {
		if s.reader == nil {
			kind, r, err := s.NextReader()
			if err != nil {
				var closed *websocket.CloseError
				if errors.As(err, &closed) {
					return 0, fmt.Errorf("%w: %w", io.EOF, err)
				}
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("websocket: want binary messages")
			}
			s.reader = r
		}
		n, err := s.reader.Read(p)
		if errors.Is(err, io.EOF) {
			s.reader, err = nil, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) {
	if err := s.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline implements net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
