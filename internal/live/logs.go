package live

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// logs hands what pion says to slog. All of it is for debugging: pion warns of
// every packet that a viewer's network loses.
type logs struct{ log *slog.Logger }

func (l logs) NewLogger(scope string) logging.LeveledLogger {
	return leveled{l.log.With("part", scope)}
}

type leveled struct{ log *slog.Logger }

func (leveled) Trace(string)                {}
func (leveled) Tracef(string, ...any)       {}
func (leveled) Debug(string)                {}
func (leveled) Debugf(string, ...any)       {}
func (leveled) Info(string)                 {}
func (leveled) Infof(string, ...any)        {}
func (l leveled) Warn(msg string)           { l.say("warning", msg) }
func (l leveled) Warnf(f string, a ...any)  { l.say("warning", fmt.Sprintf(f, a...)) }
func (l leveled) Error(msg string)          { l.say("error", msg) }
func (l leveled) Errorf(f string, a ...any) { l.say("error", fmt.Sprintf(f, a...)) }

func (l leveled) say(level, text string) {
	l.log.Debug("webrtc", "level", level, "text", text)
}
