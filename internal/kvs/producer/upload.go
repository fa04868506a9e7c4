package producer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
)

// upload opens a connection and sends fragments on it, starting with f, until
// it fails (an error), is no longer needed, has to be replaced, or ctx ends.
func (p *Producer) upload(ctx context.Context, watch *media.Watch, f *fragment, g *media.GOP, renewEndpoint bool) (*connection, error) {
	c, err := p.connect(ctx, f, g, renewEndpoint)
	if err != nil {
		return c, err
	}
	for {
		if err := p.send(ctx, watch, c, f, g); err != nil && ctx.Err() == nil {
			c.abort(err)
			if c.err != nil {
				err = c.err
			}
			return c, err
		}
		if f, g, err = p.await(ctx, watch, c); err != nil {
			return c, err
		}
		switch {
		case abandoned(ctx):
			c.abort(errRetired)
			return c, c.err
		case f == nil:
			return c, p.finish(c)
		}
	}
}

// finish ends a connection in good order: it waits for the last
// acknowledgements, as what lacks them is sent twice.
func (p *Producer) finish(c *connection) error {
	c.complete()
	timer := time.NewTimer(p.timing.Finish)
	defer timer.Stop()
	for settled := false; ; {
		p.mu.Lock()
		if !settled && p.ledger.oldest(c.id) == nil {
			settled = true
			timer.Reset(min(time.Second, p.timing.Finish)) // it only has to hang up
		}
		p.mu.Unlock()
		select {
		case <-c.done:
			return c.err
		case <-timer.C:
			c.abort(errRetired)
			return c.err
		case <-p.changed:
		}
	}
}

// await waits for the next fragment that can go on the connection. It is nil
// when the connection has done its work.
func (p *Producer) await(ctx context.Context, watch *media.Watch, c *connection) (*fragment, *media.GOP, error) {
	linger := time.NewTimer(p.timing.Linger)
	defer linger.Stop()
	for ctx.Err() == nil && time.Now().Before(c.retire) && !p.isPaused() {
		if f, g := p.pick(ctx, c.id); f != nil {
			if !p.fits(c, g) {
				return nil, nil, nil
			}
			return f, g, nil
		}
		select {
		case <-ctx.Done():
		case <-watch.C:
		case <-p.changed:
		case <-c.done:
			return nil, nil, c.reason()
		case <-linger.C:
			return nil, nil, nil
		}
	}
	return nil, nil, nil
}

// fits reports whether a GOP can follow on a connection: parameter sets and
// tracks cannot change on it, and time cannot go back.
func (p *Producer) fits(c *connection, g *media.GOP) bool {
	return g.Start > c.last && g.Video.Same(c.video) && p.sound(g).Same(c.audio)
}

// sound is the audio of a GOP that is to be sent, nil for none.
func (p *Producer) sound(g *media.GOP) *media.Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.muted {
		return nil
	}
	return g.Audio
}

// connect opens a connection for video like the GOP's.
func (p *Producer) connect(ctx context.Context, f *fragment, g *media.GOP, renewEndpoint bool) (*connection, error) {
	endpoint, err := p.cfg.Endpoints.Endpoint(ctx, p.cfg.Stream, renewEndpoint)
	if err != nil {
		if errors.Is(err, ErrStream) {
			return nil, &fault{err, slow}
		}
		return nil, err
	}
	creds, err := p.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: no credentials: %w", ErrConnection, err)
	}
	now := time.Now()
	c := &connection{video: g.Video, audio: p.sound(g), opened: now, retire: now.Add(p.timing.Connection), answer: make(chan struct{}), done: make(chan struct{})}
	if creds.CanExpire && creds.Expires.Before(c.retire) {
		c.retire = laterOf(creds.Expires.Add(-30*time.Second), now.Add(10*time.Second))
	}
	header, err := p.header(c)
	if err != nil {
		p.drop(f, err)
		return nil, &fault{err, skip}
	}
	body, pipe := io.Pipe()
	c.body = pipe
	// The request outlives ctx by the time it takes to end it well.
	request, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	c.cancel = cancel
	req, err := newRequest(request, endpoint, p.cfg.Stream, p.cfg.Region, creds, body, now)
	if err != nil {
		cancel(err)
		return nil, err
	}
	p.mu.Lock()
	p.stats.Connections++
	c.id = p.stats.Connections
	p.stats.State, p.stats.Fault = Sending, ""
	p.mu.Unlock()
	// A request that is over must not wait for more of the body.
	context.AfterFunc(request, func() { _ = body.CloseWithError(io.ErrClosedPipe) })
	transport := newTransport(p.tls, func() { _ = body.CloseWithError(io.ErrClosedPipe) })
	go c.run(transport, req, func(a ack) *fault { return p.acknowledge(c, a) }, func(err error) {
		p.log.Debug("acknowledgement is not understood", "error", err)
	})
	go p.guard(c)
	p.log.Debug("upload begins", "connection", c.id)
	abandon := context.AfterFunc(ctx, func() {
		if abandoned(ctx) { // it may be waiting for the service
			cancel(errRetired)
		}
	})
	context.AfterFunc(request, func() { abandon() })
	// Until fragments are sent there is nothing to end well.
	stop := context.AfterFunc(ctx, func() { cancel(errRetired) })
	defer stop()
	if err := c.write(header); err != nil {
		return c, err
	}
	// Fragments sent to a service that then refuses the upload are wasted. One
	// that answers only later gets them all the same.
	timer := time.NewTimer(p.timing.Stall / 2)
	defer timer.Stop()
	select {
	case <-c.answer:
	case <-c.done:
		return c, c.reason()
	case <-timer.C:
	}
	return c, nil
}

// header is the beginning of the Matroska stream. Sound that Matroska cannot
// carry is left out rather than lose the video.
func (p *Producer) header(c *connection) ([]byte, error) {
	h := matroska.Header{Title: p.cfg.Stream, App: "Porchlight", Video: c.video, Audio: c.audio}
	_, _ = rand.Read(h.SegmentUID[:]) // never fails
	header, err := matroska.AppendHeader(p.buf[:0], h)
	if err != nil && c.audio != nil {
		p.log.Warn("recordings are silent", "error", err)
		p.mu.Lock()
		p.muted = true
		p.mu.Unlock()
		h.Audio, c.audio = nil, nil
		header, err = matroska.AppendHeader(p.buf[:0], h)
	}
	return header, err
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
