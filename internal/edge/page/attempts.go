package page

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How many wrong tokens may come from one place in a while, and how many
// places are told apart; more places have to wait.
const (
	mostWrong   = 10
	wrongWhile  = time.Minute
	mostRemotes = 1024
)

// attempts counts wrong tokens by where they came from.
type attempts struct {
	mu   sync.Mutex
	from map[string]*wrong
}

type wrong struct {
	count int
	until time.Time // when it is forgotten
}

func newAttempts() *attempts { return &attempts{from: map[string]*wrong{}} }

func (a *attempts) allowed(remote string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	w := a.from[remote]
	if w == nil {
		return len(a.from) < mostRemotes
	}
	return w.count < mostWrong
}

func (a *attempts) failed(remote string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.from[remote]
	if w == nil {
		w = &wrong{until: now.Add(wrongWhile)}
		a.from[remote] = w
	}
	w.count++
}

func (a *attempts) forget(now time.Time) {
	for remote, w := range a.from {
		if now.After(w.until) {
			delete(a.from, remote)
		}
	}
}

// remote is where a request comes from: an IPv4 address, or the network of an
// IPv6 address, of which everyone has plenty.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		network, _ := ip.Prefix(64) // of an IPv6 address without a zone it has one
		return network.String()
	}
	return ip.String()
}
