package greengrass

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"porchlight/internal/greengrass/wire"
)

// Environment variables that a nucleus sets for its components.
const (
	SocketVariable = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
	TokenVariable  = "SVCUID"
)

// ErrNotUnderGreengrass is returned when the environment is not that of a
// component.
var ErrNotUnderGreengrass = errors.New("not running under Greengrass")

// Limits of frames, in bytes, for Config.FrameLimit.
const (
	JavaFrameLimit = wire.JavaLimit
	LiteFrameLimit = wire.LiteLimit
)

// longestToken that is believed to be one, in bytes; nucleus lite's have 16.
const longestToken = 1024

// Config of a Client. Socket, Token and Log are required; what else is zero
// takes the value that its comment names.
type Config struct {
	Socket string // path, dialed as it is given: a relative one is relative to the working directory
	Token  string // from the nucleus, void once the nucleus restarts
	Log    *slog.Logger

	// FrameLimit is the longest frame that is sent, in bytes: LiteFrameLimit.
	// A longer one makes nucleus lite drop the connection, so it is refused here.
	FrameLimit int
	// QueueLength and QueueBytes bound what waits in one subscription, in
	// messages and bytes: 256 and 4 MiB. One message alone may be larger.
	QueueLength, QueueBytes int
	// CallTimeout bounds a call whose context has no deadline: 30 s.
	CallTimeout time.Duration
	// MinRedial and MaxRedial bound the pause before dialing again: 250 ms and 10 s.
	MinRedial, MaxRedial time.Duration
}

// FromEnvironment reads where the nucleus listens and the component's token.
// getenv is os.Getenv.
func FromEnvironment(getenv func(string) string, log *slog.Logger) (Config, error) {
	cfg := Config{Socket: getenv(SocketVariable), Token: getenv(TokenVariable), Log: log}
	switch {
	case cfg.Socket == "":
		return Config{}, fmt.Errorf("%w: %s is not set; run it as a component, or without Greengrass", ErrNotUnderGreengrass, SocketVariable)
	case cfg.Token == "":
		return Config{}, fmt.Errorf("%w: %s is not set; run it as a component, or without Greengrass", ErrNotUnderGreengrass, TokenVariable)
	}
	return cfg, nil
}

// LogValue keeps the token out of logs.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("socket", c.Socket), slog.Int("frame_limit", c.FrameLimit))
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() (Config, error) {
	if c.Socket == "" || c.Token == "" || c.Log == nil {
		return c, fmt.Errorf("%w: a client needs a socket, a token and a log", ErrInvalidArguments)
	}
	fill := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	if len(c.Token) > longestToken || c.FrameLimit > 0 && c.FrameLimit < 2*longestToken {
		return c, fmt.Errorf("%w: a token of %d bytes in frames of at most %d", ErrInvalidArguments, len(c.Token), c.FrameLimit)
	}
	wait := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&c.FrameLimit, LiteFrameLimit)
	fill(&c.QueueLength, 256)
	fill(&c.QueueBytes, 4<<20)
	wait(&c.CallTimeout, 30*time.Second)
	wait(&c.MinRedial, 250*time.Millisecond)
	wait(&c.MaxRedial, 10*time.Second)
	c.MaxRedial = max(c.MaxRedial, c.MinRedial)
	return c, nil
}
