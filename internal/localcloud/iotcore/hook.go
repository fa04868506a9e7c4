package iotcore

import (
	"errors"
	"slices"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook gives the broker the manners of AWS IoT Core.
type hook struct {
	mqtt.HookBase
	core *Core
}

var errRefused = errors.New("connection refused by policy")

func (h *hook) ID() string { return "iotcore" }

func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketRead, mqtt.OnSubscribe,
		mqtt.OnSubscribed, mqtt.OnPublish, mqtt.OnPublishDropped, mqtt.OnWillSent, mqtt.OnClientExpired, mqtt.OnSessionEstablished, mqtt.OnDisconnect}, b)
}

// maxKeepAlive in seconds is what AWS makes of 0 and of anything longer.
const maxKeepAlive = 1200

// OnConnect decides a CONNECT. It runs before the client takes over a session,
// so a refused client disturbs nobody.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	conn := connOf(cl)
	code, reason := h.connect(conn, cl, pk)
	if code == packets.CodeSuccess {
		if cl.State.Keepalive == 0 || cl.State.Keepalive > maxKeepAlive {
			cl.State.Keepalive, cl.State.ServerKeepalive = maxKeepAlive, true
		}
		keepWillWithSession(cl)
		return nil
	}
	h.core.log.Warn("mqtt connection refused", "client", cl.ID, "remote", cl.Net.Remote, "reason", reason)
	if cl.Properties.ProtocolVersion < 5 && code != packets.ErrClientIdentifierNotValid {
		code = packets.ErrBadUsernameOrPassword // which the broker translates to return code 5, not authorized
	}
	_ = h.core.broker.SendConnack(cl, code, false, nil)
	return errRefused
}

func (h *hook) connect(conn *clientConn, cl *mqtt.Client, pk packets.Packet) (packets.Code, string) {
	c := h.core
	id, ok := c.identify(conn.fingerprint())
	if !ok {
		return packets.ErrNotAuthorized, "the certificate is not registered or was revoked"
	}
	if len(cl.ID) > maxClientID {
		return packets.ErrClientIdentifierNotValid, "the client id is longer than 128 bytes"
	}
	s := newSession(id, cl.ID)
	var attributes []string
	if cl.Properties.ProtocolVersion < 5 && !pk.Connect.Clean || pk.Properties.SessionExpiryInterval > 0 {
		attributes = append(attributes, "PersistentConnect")
	}
	if pk.Connect.WillFlag {
		attributes = append(attributes, "LastWill")
	}
	if d := s.allowed("iot:Connect", c.arn("client", cl.ID), map[string][]string{"iot:ConnectAttributes": attributes}); !d.Allowed {
		return packets.ErrNotAuthorized, "iot:Connect as this client id: " + d.Reason
	}
	if pk.Connect.WillFlag {
		will := packets.Packet{FixedHeader: packets.FixedHeader{Qos: pk.Connect.WillQos}, TopicName: pk.Connect.WillTopic, Payload: pk.Connect.WillPayload}
		if code, ok := checkPublish(will); !ok {
			return code, "last will: " + code.Reason
		}
		if isRequest(will.TopicName) {
			return packets.ErrTopicNameInvalid, "last will: the topic is reserved"
		}
		if !c.mayPublish(s, pk.Connect.WillTopic, pk.Connect.WillRetain) {
			return packets.ErrNotAuthorized, "iot:Publish on the topic of the last will"
		}
		if pk.Connect.WillRetain && !c.roomToRetain(pk.Connect.WillTopic) {
			return packets.ErrQuotaExceeded, "too many retained messages"
		}
	}
	conn.client = cl
	conn.session.Store(s)
	takeOver := func(old *clientConn) { c.disconnect(old, packets.ErrSessionTakenOver, "the client id connected again") }
	if err := c.live.enter(conn.ctx, cl.ID, conn, takeOver); err != nil {
		return packets.ErrServerShuttingDown, "the broker is stopping"
	}
	if _, ok := c.identify(conn.fingerprint()); !ok { // RevokeThing may just have missed it
		return packets.ErrNotAuthorized, "the certificate was revoked"
	}
	return packets.CodeSuccess, ""
}

// keepWillWithSession sends the last will before its session is forgotten: the
// broker does not tell of wills that it sends later.
func keepWillWithSession(cl *mqtt.Client) {
	will, life := &cl.Properties.Will, min(cl.Properties.Props.SessionExpiryInterval, sessionLife)
	if will.WillDelayInterval >= life {
		will.WillDelayInterval = max(life, 1) - 1
	}
}

// OnConnectAuthenticate has nothing left to decide.
func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	h.core.log.Info("mqtt client connected", "client", cl.ID, "thing", connOf(cl).session.Load().thing, "remote", cl.Net.Remote, "version", cl.Properties.ProtocolVersion)
}

func (h *hook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	h.core.log.Info("mqtt client disconnected", "client", cl.ID, "remote", cl.Net.Remote, "cause", err)
}

// OnPacketRead refuses what needs no policy to refuse.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	if connOf(cl).closing.Load() {
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Type == packets.Publish {
		if code, ok := checkPublish(pk); !ok {
			h.core.disconnect(connOf(cl), code, "publish: "+code.Reason)
			return pk, packets.ErrRejectPacket
		}
	}
	if pk.FixedHeader.Type == packets.Subscribe && len(pk.Filters) > maxFilters {
		h.core.disconnect(connOf(cl), packets.ErrQuotaExceeded, "more than 8 filters in one SUBSCRIBE")
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// OnPublish authorizes the message and runs the rules on it, all before the
// broker acknowledges it. It always either accepts, or answers for itself and
// rejects: for other errors the broker would go on and publish.
//
// Denied QoS 1 messages of MQTT 5 clients are answered with a PUBACK "not
// authorized", which AWS documents for PUBACK and which ends the message;
// where the protocol has no such answer the connection is closed, as AWS does.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil // came by HTTP: already authorized and through the rules
	}
	conn := connOf(cl)
	s := conn.session.Load()
	if !h.core.mayPublish(s, pk.TopicName, pk.FixedHeader.Retain) {
		if cl.Properties.ProtocolVersion < 5 || pk.FixedHeader.Qos == 0 {
			h.core.disconnect(conn, packets.ErrNotAuthorized, "publish not allowed")
			return pk, packets.ErrRejectPacket
		}
		h.core.log.Warn("mqtt publish refused by policy", "client", cl.ID, "thing", s.thing, "topic", pk.TopicName)
		_ = cl.WritePacket(packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Puback},
			PacketID:    pk.PacketID,
			ReasonCode:  packets.ErrNotAuthorized.Code,
		})
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Retain && !h.core.roomToRetain(pk.TopicName) {
		h.core.disconnect(conn, packets.ErrQuotaExceeded, "too many retained messages")
		return pk, packets.ErrRejectPacket
	}
	if isRequest(pk.TopicName) {
		return pk, h.core.serveRequest(pk)
	}
	err := h.core.ingest(conn.ctx, message{topic: pk.TopicName, payload: pk.Payload, clientID: cl.ID, received: time.Now()})
	switch {
	case err == nil:
		return pk, nil
	case pk.FixedHeader.Qos == 0:
		h.core.log.Error("message lost: no action took it and qos 0 asks for no second try", "client", cl.ID, "topic", pk.TopicName, "error", err)
		return pk, nil // subscribers still get it
	}
	// A PUBACK with an error would end the message at the client. Without one
	// the client sends it again when it is back.
	h.core.log.Error("message not acknowledged", "client", cl.ID, "topic", pk.TopicName, "error", err)
	h.core.disconnect(conn, packets.ErrServerBusy, "a rule could not place the message")
	return pk, packets.ErrRejectPacket
}

// OnPublishDropped tells of a client that does not keep up.
func (h *hook) OnPublishDropped(cl *mqtt.Client, pk packets.Packet) {
	h.core.log.Warn("message for a slow client dropped", "client", cl.ID, "topic", pk.TopicName, "qos", pk.FixedHeader.Qos)
}

// OnWillSent runs the rules on a last will, before a client that connects again
// can say that it is back.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	h.core.ingestWill(message{topic: pk.TopicName, payload: pk.Payload, clientID: cl.ID, received: time.Now()})
}

// OnClientExpired drops the subscriptions that the broker leaves behind.
func (h *hook) OnClientExpired(cl *mqtt.Client) { h.core.broker.UnsubscribeClient(cl) }
