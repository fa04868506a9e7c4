package provision

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// errConnectRefused means that the broker does not let this certificate
// connect under this client id.
var errConnectRefused = errors.New("the broker refuses the connection")

// How long to wait, and for how much.
const (
	dialTimeout   = 15 * time.Second
	answerTimeout = 30 * time.Second // the hook alone may take 5
	closeTimeout  = 5 * time.Second
	keepAlive     = 30 // seconds
	maxPacket     = 128 << 10
	maxAnswers    = 8
)

// session is one MQTT connection for requests and their answers.
type session struct {
	client  *paho.Client
	answers chan *paho.Publish
	down    chan error // the connection broke
}

func dial(ctx context.Context, endpoint string, config *tls.Config, clientID string) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{}, Config: config}).DialContext(ctx, "tcp", endpoint)
	if isAlert(err) {
		return nil, fmt.Errorf("%w at %s: %w", errConnectRefused, endpoint, err)
	} else if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", endpoint, err)
	}
	s := &session{answers: make(chan *paho.Publish, maxAnswers), down: make(chan error, 1)}
	s.client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(m paho.PublishReceived) (bool, error) {
			select {
			case s.answers <- m.Packet:
			default: // more than was asked for
			}
			return true, nil
		}},
		OnClientError:      s.broke,
		OnServerDisconnect: func(d *paho.Disconnect) { s.broke(fmt.Errorf("reason code 0x%02x", d.ReasonCode)) },
	})
	size, inFlight := uint32(maxPacket), uint16(maxAnswers)
	connack, err := s.client.Connect(ctx, &paho.Connect{
		ClientID: clientID, CleanStart: true, KeepAlive: keepAlive,
		Properties: &paho.ConnectProperties{MaximumPacketSize: &size, ReceiveMaximum: &inFlight},
	})
	switch {
	case err == nil:
		return s, nil
	case connack != nil && refuses(connack.ReasonCode):
		return nil, fmt.Errorf("%w of %s at %s: reason code 0x%02x", errConnectRefused, clientID, endpoint, connack.ReasonCode)
	case isAlert(err):
		return nil, fmt.Errorf("%w of %s at %s: %w", errConnectRefused, clientID, endpoint, err)
	default:
		return nil, fmt.Errorf("connect to %s: %w", endpoint, err)
	}
}

// refuses tells the CONNACK reason codes that say who one is does not do:
// MQTT 5.0, 3.2.2.2.
func refuses(reason byte) bool {
	switch reason {
	case 0x85, 0x86, 0x87, 0x8a: // client id, user, not authorized, banned
		return true
	}
	return false
}

// isAlert tells a TLS alert of the broker, which is how it refuses a
// certificate that it does not know or that is not active. With TLS 1.3 the
// alert comes after the handshake.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

func (s *session) broke(err error) {
	select {
	case s.down <- err:
	default:
	}
}

// close ends the session and returns when nothing of it runs any more.
func (s *session) close() {
	_ = s.client.Disconnect(&paho.Disconnect{})
	select {
	case <-s.client.Done():
	case <-time.After(closeTimeout):
	}
}

// call publishes a request as JSON and returns its answer. A request that is
// rejected is a *rejection.
func (s *session) call(ctx context.Context, topic string, request any) ([]byte, error) {
	payload, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	// First, for an answer without a subscription is lost.
	accepted, rejected := topic+"/accepted", topic+"/rejected"
	_, err = s.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: accepted, QoS: 1}, {Topic: rejected, QoS: 1}}})
	if err != nil {
		return nil, fmt.Errorf("subscribe to answers on %s: %w: check the claim policy", topic, err)
	}
	if _, err := s.client.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: payload}); err != nil {
		return nil, fmt.Errorf("publish on %s: %w: check the claim policy and the template's name", topic, err)
	}
	for {
		select {
		case m := <-s.answers:
			switch m.Topic {
			case accepted:
				return m.Payload, nil
			case rejected:
				return nil, parseRejection(topic, m.Payload)
			}
		case err := <-s.down:
			return nil, fmt.Errorf("request on %s: the connection broke: %w", topic, err)
		case <-ctx.Done():
			return nil, fmt.Errorf("request on %s: no answer: %w", topic, ctx.Err())
		}
	}
}
