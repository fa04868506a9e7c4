package event

import (
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// CommandName says what a device is to do.
type CommandName string

// The commands. A device answers those it cannot do, and those it has never
// heard of, with ReplyUnsupported.
const (
	CommandSnapshot CommandName = "snapshot" // one picture of a camera
	CommandRecord   CommandName = "record"   // begin to record a camera
	CommandStop     CommandName = "stop"     // end what record began
	CommandSiren    CommandName = "siren"
	CommandPTZ      CommandName = "ptz"    // turn or zoom a camera
	CommandReload   CommandName = "reload" // read the configuration again
)

// MaxRequestID is the most characters of a request id.
const MaxRequestID = 64

// maxMessage is the most characters of a reply's message.
const maxMessage = 1000

// Command is what the cloud asks of a device, on its commands topic. It may be
// delivered more than once: RequestID tells.
type Command struct {
	RequestID string         `json:"request_id"` // 1 to MaxRequestID printable ASCII characters, no spaces
	Command   CommandName    `json:"command"`
	Camera    string         `json:"camera,omitempty"` // <thing>.<name>, of a command to one camera
	ExpiresAt Time           `json:"expires_at"`       // not to be begun later
	Args      map[string]any `json:"args,omitempty"`
}

// ReplyState is what became of a command.
type ReplyState string

// The states of a command. All are final.
const (
	ReplyDone        ReplyState = "done"
	ReplyFailed      ReplyState = "failed"      // it was tried
	ReplyExpired     ReplyState = "expired"     // it came, or its turn came, too late
	ReplyUnsupported ReplyState = "unsupported" // this device cannot do it
	ReplyRejected    ReplyState = "rejected"    // it makes no sense, or too much waits already
)

// Reply is what a device says of a command, on its replies topic.
type Reply struct {
	RequestID string         `json:"request_id"`
	Command   CommandName    `json:"command"`
	Camera    string         `json:"camera,omitempty"`
	State     ReplyState     `json:"state"`
	Message   string         `json:"message,omitempty"` // cause and cure, of any state but done
	Result    map[string]any `json:"result,omitempty"`
	At        Time           `json:"at"` // by the device's clock
}

var (
	requestPattern = regexp.MustCompile(`^[!-~]{1,64}$`)
	commandPattern = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
)

// Known says whether it is one of the commands of this package.
func (n CommandName) Known() bool {
	switch n {
	case CommandSnapshot, CommandRecord, CommandStop, CommandSiren, CommandPTZ, CommandReload:
		return true
	}
	return false
}

// NeedsCamera says whether the command makes no sense without a camera.
func (n CommandName) NeedsCamera() bool {
	switch n {
	case CommandSnapshot, CommandRecord, CommandStop, CommandPTZ:
		return true
	}
	return false
}

// Marshal validates the command and returns its wire form. It fails with
// ErrInvalid or, over MaxPayload bytes, with ErrTooLarge.
func (c *Command) Marshal() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !c.Command.Known() {
		return nil, fmt.Errorf("%w: command %q: want snapshot, record, stop, siren, ptz or reload", ErrInvalid, clipText(string(c.Command)))
	}
	return marshalBounded("command", c)
}

// ParseCommand reads and validates a command's wire form. A name that nobody
// knows is no error: the device says that it cannot do that. With an error
// comes what could be read when that has a request id to answer to, else nil.
func ParseCommand(payload []byte) (*Command, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: command of %d bytes, the limit is %d", ErrTooLarge, len(payload), MaxPayload)
	}
	var c Command
	err := json.Unmarshal(payload, &c)
	if err != nil {
		err = fmt.Errorf("%w: command: %w", ErrInvalid, err)
	} else {
		err = c.Validate()
	}
	if err != nil && !requestPattern.MatchString(c.RequestID) {
		return nil, err
	}
	return &c, err
}

// Validate reports, wrapped in ErrInvalid, the first thing that makes the
// command unfit to be carried out.
func (c *Command) Validate() error {
	if err := validateCommand(c.RequestID, c.Command, c.Camera); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if c.Camera == "" && c.Command.NeedsCamera() {
		return fmt.Errorf("%w: command %s needs a camera", ErrInvalid, c.Command)
	}
	return validateInstant("expires_at", c.ExpiresAt)
}

// Marshal validates the reply and returns its wire form. It fails with
// ErrInvalid or, over MaxPayload bytes, with ErrTooLarge.
func (r *Reply) Marshal() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return marshalBounded("reply", r)
}

// ParseReply reads and validates a reply's wire form.
func ParseReply(payload []byte) (*Reply, error) {
	var r Reply
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("%w: reply: %w", ErrInvalid, err)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return &r, nil
}

// Validate reports, wrapped in ErrInvalid, the first thing that makes the
// reply unfit for the wire.
func (r *Reply) Validate() error {
	if err := validateCommand(r.RequestID, r.Command, r.Camera); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch r.State {
	case ReplyDone, ReplyFailed, ReplyExpired, ReplyUnsupported, ReplyRejected:
	default:
		return fmt.Errorf("%w: state %q: must be done, failed, expired, unsupported or rejected", ErrInvalid, clipText(string(r.State)))
	}
	if utf8.RuneCountInString(r.Message) > maxMessage {
		return fmt.Errorf("%w: message: at most %d characters", ErrInvalid, maxMessage)
	}
	return validateInstant("at", r.At)
}

// validateCommand judges what a command and its reply have in common.
func validateCommand(id string, name CommandName, camera string) error {
	if !requestPattern.MatchString(id) {
		return fmt.Errorf("request_id %q: want 1 to %d printable ASCII characters without spaces", clipText(id), MaxRequestID)
	}
	if !commandPattern.MatchString(string(name)) {
		return fmt.Errorf("command %q: want a name in lower case, like snapshot", clipText(string(name)))
	}
	if camera != "" {
		if _, _, err := SplitCamera(camera); err != nil {
			return err
		}
	}
	return nil
}

// validateInstant keeps to the years that RFC 3339 can write and a clock shows.
func validateInstant(name string, t Time) error {
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return fmt.Errorf("%w: %s must be set to a time from 1970 on", ErrInvalid, name)
	}
	return nil
}

func marshalBounded(what string, v any) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, what, err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: %s is %d bytes, the limit is %d", ErrTooLarge, what, len(payload), MaxPayload)
	}
	return payload, nil
}
