package nucleus

import (
	"log/slog"
	"time"

	"porchlight/internal/greengrass"
)

// Environment variables that a nucleus sets beside those of the IPC.
const (
	thingVariable         = "AWS_IOT_THING_NAME"
	regionVariable        = "AWS_REGION"
	defaultRegionVariable = "AWS_DEFAULT_REGION"
)

// Config of a Nucleus. Getenv, Folder and Log are required; what else is zero
// takes the value that its comment names.
type Config struct {
	Getenv func(string) string // os.Getenv
	// Folder survives the process: the component's work folder, in which
	// both nuclei start it. The exits are remembered there.
	Folder string
	Log    *slog.Logger

	IPC    greengrass.Config // its Socket, Token and Log are filled in
	Retry  Retry
	Settle Settle
	// Renew is how often subscriptions to messages are made anew: 10 min.
	// Nucleus lite silently stops to deliver to one after a message that is
	// too large for its buffers; this bounds how long nobody notices.
	Renew time.Duration
	// Recheck is for how long an update is put off at a time: 30 s, four times.
	Recheck time.Duration
	Now     func() time.Time // time.Now
}

// Retry bounds the pauses before something is tried again.
type Retry struct {
	Min, Max time.Duration // 250 ms, doubled up to 15 s
	// Slow is for what only a person can cure, such as a missing permission: 1 min.
	Slow time.Duration
}

// Settle says how changes of the configuration are gathered.
type Settle struct {
	Quiet time.Duration // without a further change: 1 s
	Most  time.Duration // since the first: 5 s
}

func (c Config) withDefaults() Config {
	fill := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&c.Retry.Min, 250*time.Millisecond)
	fill(&c.Retry.Max, 15*time.Second)
	fill(&c.Retry.Slow, time.Minute)
	fill(&c.Settle.Quiet, time.Second)
	fill(&c.Settle.Most, 5*time.Second)
	fill(&c.Renew, 10*time.Minute)
	fill(&c.Recheck, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
