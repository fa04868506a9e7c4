// Package live shows one camera to many viewers over WebRTC.
//
// An [Engine] is what all cameras of the process share: the WebRTC settings,
// the certificate and, where configured, the ports. A [Master] is one camera:
// it answers the offers that come through [Signaling] and fans the camera's
// packets out. Nothing is decoded or encoded: an access unit is cut into RTP
// payloads once, whoever watches, and each viewer only gets headers of its own.
//
// A viewer begins with the newest group of pictures there is, sent at once
// with timestamps so close together that its decoder shows the newest picture
// right away (see [viewer.enter]); it never waits for a keyframe. It begins on
// the substream, where there is one, and goes over to the main stream when its
// link has proved wide enough (see [policy]).
//
// Sound that comes as AAC stays behind: WebRTC has no AAC. Opus and G.711 can
// be handed in as a track ([Config.Audio]).
package live

import (
	"context"
	"errors"
	"fmt"
)

// Codes of a [Fault], as viewers' software sees them.
const (
	CodeFull      = "full"        // as many viewers as allowed are watching
	CodeBusy      = "busy"        // too many offers at once
	CodePrivate   = "private"     // the owner has turned the camera away
	CodeForbidden = "forbidden"   // this viewer may not watch
	CodeBadOffer  = "bad_offer"   // the offer cannot be read
	CodeNoVideo   = "no_video"    // the offer asks for no video
	CodeCodec     = "codec"       // the viewer cannot decode what the camera sends
	CodeBFrames   = "b_frames"    // the camera sends B-frames
	CodeTimeout   = "timeout"     // no connection came about
	CodeLost      = "lost"        // the connection was lost
	CodeReplaced  = "replaced"    // the same viewer has connected again
	CodeEnded     = "ended"       // the viewer has left
	CodeClosed    = "closed"      // the camera's live view has ended
	CodeInternal  = "unavailable" // a fault of ours
)

// Fault says why a viewer is refused or dropped. Text is for people.
type Fault struct{ Code, Text string } //nolint:errname // a word of its own, as viewers see it

func (f *Fault) Error() string { return f.Code + ": " + f.Text }

// Is makes faults of the same code the same to errors.Is.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

func faultf(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Text: fmt.Sprintf(format, args...)}
}

// asFault is the fault in err, or one that gives away nothing.
func asFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return faultf(CodeClosed, "live view has ended")
	}
	return faultf(CodeInternal, "live view is not available right now; try again")
}

// ErrClosed is returned by a master that has been closed.
var ErrClosed = errors.New("live view is closed")
