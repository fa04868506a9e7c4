package onvif

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
)

// group is where devices listen for probes. WS-Discovery, 2.4.
const group = "239.255.255.250:3702"

// Bounds of what a search takes in, whoever answers how often.
const (
	maxDatagram = 64 << 10
	maxAnswers  = 4096 // in all
	maxPerHost  = 32
	maxFound    = 256
)

// Search says where to look for cameras. Only Log is required.
type Search struct {
	Interfaces []string      // names; empty: all that are up and have an IPv4 address, but loopback
	Group      string        // host:port to ask, for tests; empty: where ONVIF devices listen
	Wait       time.Duration // for answers; 3 s when 0
	Log        *slog.Logger
}

// Found is a camera that has answered a search.
type Found struct {
	Endpoint string // by which the camera is told from others
	Address  string // URL of its device service
	Name     string // what it is called, may be empty
	Location string
	Hardware string
}

// Findings are what a search has brought.
type Findings struct {
	Found      []Found
	Broken     []Broken
	Interfaces []string // that were searched
}

// Broken is one who answered, but not with what can be used.
type Broken struct {
	Host string
	Err  error
}

// Discover asks who is there, and waits for answers. It fails with
// ErrInterface when it cannot ask on any network; nobody there is no error.
func Discover(ctx context.Context, s Search) (*Findings, error) {
	if s.Wait <= 0 {
		s.Wait = 3 * time.Second
	}
	if s.Group == "" {
		s.Group = group
	}
	to, err := net.ResolveUDPAddr("udp4", s.Group)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInterface, s.Group, err)
	}
	interfaces, err := pick(s.Interfaces)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	c := &collector{log: s.Log, perHost: map[netip.Addr]int{}, known: map[string]bool{}, broken: map[string]bool{}}
	var asking sync.WaitGroup
	var faults []error
	for _, i := range interfaces {
		conn, err := ask(ctx, i, to)
		if err != nil {
			s.Log.Warn("network left out of the search", "interface", i.Name, "error", err)
			faults = append(faults, fmt.Errorf("%s: %w", i.Name, err))
			continue
		}
		c.Interfaces = append(c.Interfaces, i.Name)
		asking.Go(func() { conn.search(ctx, c) })
	}
	asking.Wait()
	if len(c.Interfaces) == 0 {
		return nil, fmt.Errorf("%w: %w; name another with --interface, or ask the camera itself with --address", ErrInterface, errors.Join(faults...))
	}
	return &c.Findings, nil
}

// asker asks on one network.
type asker struct {
	conn   net.PacketConn
	to     *net.UDPAddr
	probes []probe
}

func ask(ctx context.Context, i net.Interface, to *net.UDPAddr) (*asker, error) {
	own := address(i)
	if !own.IsValid() {
		return nil, errors.New("it has no IPv4 address")
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", net.JoinHostPort(own.String(), "0"))
	if err != nil {
		return nil, err
	}
	if to.IP.IsMulticast() {
		p := ipv4.NewPacketConn(conn)
		if err := errors.Join(p.SetMulticastInterface(&i), p.SetMulticastTTL(1), p.SetMulticastLoopback(true)); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	a := &asker{conn: conn, to: to, probes: newProbes()}
	if err := a.send(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return a, nil
}

func (a *asker) send() error {
	for _, p := range a.probes {
		if _, err := a.conn.WriteTo(p.message, a.to); err != nil {
			return err
		}
	}
	return nil
}

// search collects answers until ctx ends. Datagrams get lost, so it asks thrice.
func (a *asker) search(ctx context.Context, c *collector) {
	defer func() { _ = a.conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = a.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var again sync.WaitGroup
	defer again.Wait()
	again.Go(func() {
		for _, wait := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond} {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
				_ = a.send() // the first one has left
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	})
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := a.conn.ReadFrom(buffer)
		if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP answer to a probe
		}
		if udp, ok := from.(*net.UDPAddr); ok && !c.add(buffer[:n], udp.AddrPort().Addr().Unmap(), a.probes) {
			return
		}
	}
}
