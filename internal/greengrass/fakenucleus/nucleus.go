// Package fakenucleus is a Greengrass nucleus for tests: it serves the IPC
// protocol on a Unix socket, to any client, and behaves as the Java nucleus or
// as nucleus lite does, their faults included. It keeps no code with the client
// but the framing; a client of AWS's own C runtime is tested against it
// too.
//
// What it knows of nucleus lite was measured on 2.6.0, of the Java nucleus read
// in the source of 2.18. In one respect it is stricter than either: a request
// with a field that the service model does not have is refused, so that
// misspelt ones are noticed.
package fakenucleus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"sync"
)

// Kind is the nucleus to behave like.
type Kind int

// The two nuclei.
const (
	Java Kind = iota + 1
	Lite
)

func (k Kind) String() string {
	switch k {
	case Java:
		return "java"
	case Lite:
		return "lite"
	}
	return "unknown"
}

// Config of a Nucleus.
type Config struct {
	Kind      Kind
	Socket    string // path, free
	Component string // whose token Token is
}

// Nucleus is running from Start to Stop.
type Nucleus struct {
	cfg      Config
	serving  sync.WaitGroup
	listener net.Listener

	mu      sync.Mutex
	tokens  map[string]string // token to component
	issued  int
	conns   map[*conn]struct{}
	streams []*stream // open subscriptions, oldest first
	counts  Counts
	faults  map[string][]Fault
	denied  map[denial]bool

	broker     broker
	components map[string]map[string]any // configurations
	written    map[string]float64        // component and path to the time of an update
	lifecycle  lifecycle
	shadows    map[shadowName]*shadow
	secrets    map[string]Secret
}

// Counts of what clients did.
type Counts struct {
	Connections int            // accepted
	Refused     int            // connect requests
	Dropped     int            // connections that broke the protocol or a limit
	Requests    map[string]int // by operation, without the namespace
	Terminates  int            // streams that clients ended
	Pongs       int
}

// Start listens.
func Start(ctx context.Context, cfg Config) (*Nucleus, error) {
	if cfg.Kind != Java && cfg.Kind != Lite {
		return nil, errors.New("fake nucleus: say whether it is Java or Lite")
	}
	n := &Nucleus{
		cfg: cfg, tokens: map[string]string{}, conns: map[*conn]struct{}{},
		counts: Counts{Requests: map[string]int{}}, faults: map[string][]Fault{}, denied: map[denial]bool{},
		components: map[string]map[string]any{}, written: map[string]float64{},
		shadows: map[shadowName]*shadow{}, secrets: map[string]Secret{},
	}
	return n, n.listen(ctx)
}

func (n *Nucleus) listen(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", n.cfg.Socket)
	if err != nil {
		return fmt.Errorf("fake nucleus: %w", err)
	}
	n.mu.Lock()
	n.listener = listener
	n.mu.Unlock()
	n.serving.Go(func() {
		for {
			accepted, err := listener.Accept()
			if err != nil {
				return
			}
			n.serving.Go(func() { n.serve(accepted) })
		}
	})
	return nil
}

// Kind it behaves like.
func (n *Nucleus) Kind() Kind { return n.cfg.Kind }

// Socket is where it listens.
func (n *Nucleus) Socket() string { return n.cfg.Socket }

// Token of Config.Component.
func (n *Nucleus) Token() string { return n.TokenOf(n.cfg.Component) }

// TokenOf starts a component, so to speak: it issues its token, or
// returns the one that is still good.
func (n *Nucleus) TokenOf(component string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for token, owner := range n.tokens {
		if owner == component {
			return token
		}
	}
	n.issued++
	token := fmt.Sprintf("%016X", n.issued)
	n.tokens[token] = component
	return token
}

// Counts of what clients did so far.
func (n *Nucleus) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.counts
	c.Requests = maps.Clone(c.Requests)
	return c
}

// Subscriptions that are open.
func (n *Nucleus) Subscriptions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.streams)
}

// DropConnections cuts every connection. Tokens stay good.
func (n *Nucleus) DropConnections() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.cut()
	}
}

// Stop ends it: it cuts every connection and does not listen.
func (n *Nucleus) Stop() {
	n.mu.Lock()
	n.listener.Close()
	n.mu.Unlock()
	n.DropConnections()
	n.serving.Wait()
	os.Remove(n.cfg.Socket)
}

// Resume listens again after Stop, with the tokens of before, as if
// only the socket had been away.
func (n *Nucleus) Resume(ctx context.Context) error { return n.listen(ctx) }

// Restart restarts the nucleus: every token is void, what it keeps on disk stays.
func (n *Nucleus) Restart(ctx context.Context) error {
	n.Stop()
	n.mu.Lock()
	n.tokens = map[string]string{}
	n.mu.Unlock()
	return n.listen(ctx)
}
