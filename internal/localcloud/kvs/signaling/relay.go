package signaling

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	relayRealm = "kinesisvideo"
	// relayKept is how long an allocation can be kept alive after its
	// credentials have expired, as nobody gets new ones for a relay in use.
	relayKept = time.Hour
	// maxRelayConns bounds connections to the relay over TCP.
	maxRelayConns = 200
	// relayIdle is after how long a connection over TCP is let go that says nothing.
	relayIdle = 11 * time.Minute
)

// ErrRelay is wrapped when the relay cannot listen.
var ErrRelay = errors.New("the relay of live video cannot be served")

// relay is a TURN server (RFC 8656). Its credentials are for a channel and
// expire; who has some can reach addresses of this machine alone.
type relay struct {
	address string
	secret  []byte
	server  *turn.Server
	tcp     *listener
	now     func() time.Time
	limit   int

	mu          sync.Mutex
	allocations map[string]int // by user id
}

func openRelay(ctx context.Context, cfg Config, secret []byte) (*relay, error) {
	r := &relay{secret: secret, now: cfg.Now, limit: cfg.Limits.Allocations, allocations: map[string]int{}}
	inner, udp, err := listenBoth(ctx, cfg.Relay)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRelay, err)
	}
	r.address, r.tcp = inner.Addr().String(), newListener(inner)
	ip := inner.Addr().(*net.TCPAddr).IP
	generator := func() turn.RelayAddressGenerator {
		return &turn.RelayAddressGeneratorStatic{RelayAddress: ip, Address: ip.String()}
	}
	r.server, err = turn.NewServer(turn.ServerConfig{
		Realm:             relayRealm,
		AuthHandler:       r.authenticate,
		QuotaHandler:      func(user, _ string, _ net.Addr) bool { return r.count(user, 0) < r.limit },
		LoggerFactory:     quiet{cfg.Logger.With("server", "relay")},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: generator(), PermissionHandler: permitted}},
		ListenerConfigs:   []turn.ListenerConfig{{Listener: r.tcp, RelayAddressGenerator: generator(), PermissionHandler: permitted}},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) { r.count(user, 1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) { r.count(user, -1) },
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrRelay, err), r.tcp.Close(), udp.Close())
	}
	return r, nil
}

// listenBoth takes the same port for TCP and for UDP.
func listenBoth(ctx context.Context, address string) (net.Listener, net.PacketConn, error) {
	var lc net.ListenConfig
	for attempt := 1; ; attempt++ {
		tcp, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, nil, err
		}
		udp, err := lc.ListenPacket(ctx, "udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp, nil
		}
		tcp.Close()
		if _, port, _ := net.SplitHostPort(address); port != "0" || attempt == 10 {
			return nil, nil, err
		}
	}
}

func (r *relay) close() error {
	return errors.Join(r.server.Close(), r.tcp.closeAll())
}

// count adds to the allocations of a user and returns how many there are.
func (r *relay) count(user string, add int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.allocations[user] + add
	if n <= 0 {
		delete(r.allocations, user)
		return 0
	}
	r.allocations[user] = n
	return n
}

// credentials are good for new allocations until they expire.
func (r *relay) credentials(channelARN string, expires time.Time) (username, password string) {
	var random [9]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails
	sum := sha256.Sum256([]byte(channelARN))
	username = fmt.Sprintf("%d:%s:%s", expires.Unix(), hex.EncodeToString(sum[:8]), base64.RawURLEncoding.EncodeToString(random[:]))
	return username, r.password(username)
}

func (r *relay) password(username string) string {
	mac := hmac.New(sha256.New, r.secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate implements turn.AuthHandler. The user is the channel.
func (r *relay) authenticate(a *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expiry, rest, _ := strings.Cut(a.Username, ":")
	user, _, ok = strings.Cut(rest, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || !ok {
		return "", nil, false
	}
	until := time.Unix(seconds, 0)
	if a.Method != stun.MethodAllocate {
		until = until.Add(relayKept)
	}
	if !r.now().Before(until) {
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(a.Username, a.Realm, r.password(a.Username)), true
}

// permitted lets the relay send to this machine alone: it must not become a
// way around a firewall.
func permitted(_ net.Addr, peer net.IP) bool {
	if peer.IsLoopback() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(peer) {
			return true
		}
	}
	return false
}
