package greengrass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"porchlight/internal/backoff"
	"porchlight/internal/greengrass/wire"
)

// hangUps is how many times in a row the nucleus may hang up on the connect
// request before the token counts as void: that is how nucleus lite refuses a
// token, but also what a nucleus that is being stopped does.
const hangUps = 3

// errHungUp: the nucleus closed the connection instead of answering.
var errHungUp = errors.New("the nucleus hung up on the connect request")

// dial tries until there is a connection, the token proves void or ctx ends.
func dial(ctx context.Context, cfg Config) (*session, error) {
	pause, refused := cfg.MinRedial, 0
	for {
		s, err := dialOnce(ctx, cfg)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w; last: %w", ErrDisconnected, ctx.Err(), err)
		case errors.Is(err, ErrTokenVoid):
			return nil, err
		case errors.Is(err, errHungUp):
			if refused++; refused == hangUps {
				return nil, fmt.Errorf("%w: %w, %d times", ErrTokenVoid, err, refused)
			}
		default:
			refused = 0
		}
		cfg.Log.Warn("Greengrass nucleus not reached; trying again", "socket", cfg.Socket, "err", err, "in", pause)
		backoff.Pause(ctx, backoff.Jitter(pause)) // components that are cut off together do not dial together
		pause = min(2*pause, cfg.MaxRedial)
	}
}

// dialOnce connects and hands over the token.
func dialOnce(ctx context.Context, cfg Config) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", cfg.Socket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	// Whatever ends ctx ends the handshake.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = handshake(conn, cfg)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newSession(conn, cfg.FrameLimit), nil
}

func handshake(conn net.Conn, cfg Config) error {
	token, err := json.Marshal(struct {
		AuthToken string `json:"authToken"`
	}{cfg.Token})
	if err != nil {
		return err
	}
	frame, err := wire.Append(nil, wire.Message{Type: wire.Connect, Version: wire.Version, Payload: token}, cfg.FrameLimit)
	if err != nil {
		return err
	}
	if _, err := conn.Write(frame); err != nil {
		return hungUp(err)
	}
	m, err := wire.Read(conn, wire.JavaLimit)
	switch {
	case err != nil:
		return hungUp(err)
	case m.Type != wire.ConnectAck || m.Stream != 0:
		return fmt.Errorf("%w: the connect request was answered with message type %d on stream %d", ErrProtocol, m.Type, m.Stream)
	case m.Flags&wire.ConnectionAccepted == 0:
		return ErrTokenVoid
	}
	return nil
}

func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("%w: %w", errHungUp, err)
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}
