package api

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/internal/cloud/playback"
	"porchlight/internal/event"
)

// onlyParameters refuses parameters other than those named.
func onlyParameters(params map[string]string, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return badParameter(clip(name), "is unknown: leave it out.")
			}
			return badParameter(clip(name), "is unknown: use %s.", strings.Join(known, ", "))
		}
		if !utf8.ValidString(params[name]) {
			return badParameter(name, "is not UTF-8: encode it so.")
		}
	}
	return nil
}

// parseProtocol reads the protocol, and refuses parameters other than it and
// those named.
func parseProtocol(params map[string]string, others ...string) (playback.Protocol, error) {
	const name = "protocol"
	if err := onlyParameters(params, append(others, name)...); err != nil {
		return "", err
	}
	text, given := params[name]
	switch protocol := playback.Protocol(text); {
	case !given:
		return playback.HLS, nil
	case protocol == playback.HLS || protocol == playback.DASH:
		return protocol, nil
	}
	return "", badParameter(name, "%q is none: want hls or dash, or leave it out.", clip(text))
}

// parseRange reads from and to, both of which must be there, and where others
// are known refuses those that are not.
func parseRange(params map[string]string, most time.Duration, known ...string) (r playback.Range, err error) {
	if len(known) > 0 {
		if err := onlyParameters(params, known...); err != nil {
			return r, err
		}
	}
	for _, end := range []struct {
		name string
		at   *time.Time
	}{{"from", &r.From}, {"to", &r.To}} {
		text, given := params[end.name]
		if !given {
			return r, badParameter(end.name, "is missing: say both from and to.")
		}
		at, err := parseTime(end.name, text)
		if err != nil {
			return r, err
		}
		*end.at = event.At(at).Time
	}
	switch length := r.To.Sub(r.From); {
	case length <= 0:
		return r, badParameter("to", "is not after from.")
	case length > most:
		return r, badParameter("to", "is more than %s after from: ask for less at once.", hours(most))
	}
	return r, nil
}

func hours(d time.Duration) string {
	if d == time.Hour {
		return "one hour"
	}
	return "24 hours"
}
