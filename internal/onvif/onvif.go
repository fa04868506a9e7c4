// Package onvif speaks to cameras in the one language that nearly all of them
// understand, ONVIF: it finds them on the network, asks what they are and what
// they stream, and has them make a keyframe or turn.
//
// What a camera says is not trusted: answers are bounded in size, depth and
// number before anything is made of them, no address but the camera's own is
// ever talked to, and the password is not sent, only proof that it is known.
//
// The messages that are sent are a library's; why its client is not used
// stands in docs/decisions/0018-onvif-from-a-library-in-part.md.
//
// Sources: ONVIF Core, Media, Media2 and PTZ specifications,
// https://www.onvif.org/profiles/specifications/; WS-Discovery,
// http://specs.xmlsoap.org/ws/2005/04/discovery/ws-discovery.pdf; WS-Security
// UsernameToken, https://docs.oasis-open.org/wss/v1.1/.
package onvif

import (
	"errors"
	"strings"
	"unicode"
)

// What can be wrong with a camera. Errors wrap these and name cause and cure.
var (
	ErrUnreachable  = errors.New("camera cannot be reached")
	ErrUnauthorized = errors.New("camera refuses the user name or password")
	ErrBroken       = errors.New("camera answers with what is not ONVIF")
	ErrRefused      = errors.New("camera refuses the request")
	ErrUnsupported  = errors.New("camera does not have this")
	ErrAddress      = errors.New("not the address of a camera")
	ErrInterface    = errors.New("network cannot be searched")
)

// Bounds of what a camera may say.
const (
	maxAnswer   = 1 << 20 // bytes of one answer
	maxProfiles = 64
	maxText     = 128  // characters of a name
	maxAddress  = 2048 // characters of an address or token
)

// clean makes a text of a camera's fit for terminals, logs and files: on one
// line, of printable characters, and short.
func clean(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	return shorten(text, maxText)
}

func shorten(text string, characters int) string {
	if r := []rune(text); len(r) > characters {
		return string(r[:characters]) + "…"
	}
	return text
}
