package lan

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"slices"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"porchlight/internal/config"
)

var errRefused = errors.New("connection refused")

// hook decides who may connect to the broker, and what they may do.
type hook struct {
	mqtt.HookBase
	broker   *mqtt.Server
	users    map[string]config.LANUser
	rights   map[string]*rights // of users
	everyone *rights            // where there are no users
	log      *slog.Logger
	retained retained

	mu        sync.Mutex
	connected map[string]int // connections by user
}

func newHook(cfg BrokerConfig) *hook {
	h := &hook{
		users: cfg.LAN.Users, rights: map[string]*rights{}, everyone: ofEveryone(), log: cfg.Log,
		retained: retained{sizes: map[string]int{}}, connected: map[string]int{},
	}
	for name, u := range cfg.LAN.Users {
		h.rights[name] = ofUser(cfg.Thing, cfg.Prefix, name, u)
	}
	return h
}

func (h *hook) ID() string { return "lan" }

func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketRead, mqtt.OnPublish,
		mqtt.OnPublishDropped, mqtt.OnWill, mqtt.OnSessionEstablished, mqtt.OnDisconnect}, b)
}

// OnConnect decides a CONNECT. It runs before the client takes over a session,
// so a refused client disturbs nobody.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	c := connOf(cl)
	user, r, code, reason := h.identify(c, pk)
	if code == packets.CodeSuccess {
		code, reason = h.judge(cl, pk, r)
	}
	if code == packets.CodeSuccess && !h.enter(user) {
		code, reason = packets.ErrQuotaExceeded, "the user has too many connections"
	}
	if code != packets.CodeSuccess {
		h.log.Warn("client refused", "client", cl.ID, "remote", c.remote, "reason", reason)
		if code == packets.ErrBadUsernameOrPassword {
			c.sleep(wrongPause) // against guessing
		}
		_ = h.broker.SendConnack(cl, code, false, nil)
		return errRefused
	}
	c.admit(user, r)
	// The ids of one user are no other's, so nobody can push another out. No
	// session outlives its connection, so nobody can fill the memory with them;
	// with MQTT 5 the capabilities see to that.
	cl.ID = user + ":" + cl.ID
	cl.Properties.Clean = true
	cl.Properties.Will.WillDelayInterval = 0
	return nil
}

// identify returns who a client is by its certificate, else by its password.
func (h *hook) identify(c *conn, pk packets.Packet) (user string, r *rights, code packets.Code, reason string) {
	if len(h.users) == 0 {
		return "", h.everyone, packets.CodeSuccess, ""
	}
	name := string(pk.Connect.Username)
	if c.certificate != nil {
		owner := c.certificate.Subject.CommonName
		if r, ok := h.rights[owner]; ok && (name == "" || name == owner) {
			return owner, r, packets.CodeSuccess, ""
		}
		return "", nil, packets.ErrBadUsernameOrPassword, "its certificate is of no user, or of another than it says"
	}
	// Compared whether there is such a user or not, in the same time.
	want, given := sha256.Sum256([]byte(h.users[name].Password)), sha256.Sum256(pk.Connect.Password)
	same := subtle.ConstantTimeCompare(want[:], given[:]) == 1
	if r, ok := h.rights[name]; ok && same && h.users[name].Password != "" {
		return name, r, packets.CodeSuccess, ""
	}
	return "", nil, packets.ErrBadUsernameOrPassword, "no such user, or a wrong password"
}

// judge looks at the rest of a CONNECT.
func (h *hook) judge(cl *mqtt.Client, pk packets.Packet, r *rights) (packets.Code, string) {
	if len(cl.ID) > maxClientID {
		return packets.ErrClientIdentifierNotValid, "its id is too long"
	}
	if pk.Connect.WillFlag {
		topic := pk.Connect.WillTopic
		if !r.mayPublish(topic) || len(pk.Connect.WillPayload) > r.largest(topic) {
			return packets.ErrNotAuthorized, "its last will may not be published"
		}
	}
	return packets.CodeSuccess, ""
}

func (h *hook) enter(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connected[user] >= maxPerUser && len(h.users) > 0 {
		return false
	}
	h.connected[user]++
	return true
}

// ended is told of every connection, those that were never admitted included.
func (h *hook) ended(c *conn) {
	user, _, known := c.who()
	if !known {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connected[user]--; h.connected[user] == 0 {
		delete(h.connected, user)
	}
}

// OnConnectAuthenticate has nothing left to decide.
func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	h.log.Info("client connected", "client", cl.ID, "remote", connOf(cl).remote, "version", cl.Properties.ProtocolVersion)
}

func (h *hook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	if cl.Net.Inline {
		return
	}
	h.log.Info("client disconnected", "client", cl.ID, "remote", connOf(cl).remote, "cause", err)
}
