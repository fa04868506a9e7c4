package api

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

const (
	defaultLimit = 50
	maxLabel     = 64   // characters
	maxCursor    = 1024 // characters
)

// listParams are the parameters of listEvents.
type listParams struct {
	query  store.Query // all but After
	cursor string
}

// scope is what the parameters' cursor is good for: the owner and the filters.
func (p *listParams) scope(owner string) []string {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	return []string{"listEvents", owner, p.query.Camera, p.query.Label, string(p.query.Severity), stamp(p.query.From), stamp(p.query.To)}
}

// parseList reads listEvents' query parameters. Its errors name the parameter.
func parseList(params map[string]string) (*listParams, error) {
	p := &listParams{query: store.Query{Limit: defaultLimit}}
	for name, value := range params {
		if !utf8.ValidString(value) {
			return nil, badParameter(clip(name), "is not UTF-8: encode it so.")
		}
		if err := p.set(name, value); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *listParams) set(name, value string) (err error) {
	switch name {
	case "camera":
		if _, _, err := event.SplitCamera(value); err != nil {
			return badParameter(name, "%q is no camera: use the camera field of one of your cameras.", clip(value))
		}
		p.query.Camera = value
	case "label":
		if n := utf8.RuneCountInString(value); n < 1 || n > maxLabel {
			return badParameter(name, "has %d characters: want 1 to %d, or leave it out.", n, maxLabel)
		}
		p.query.Label = value
	case "severity":
		switch severity := event.Severity(value); severity {
		case event.Alert, event.Notice:
			p.query.Severity = severity
		default:
			return badParameter(name, "%q is none: want alert or detection, or leave it out.", clip(value))
		}
	case "from":
		p.query.From, err = parseTime(name, value)
	case "to":
		p.query.To, err = parseTime(name, value)
	case "limit":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > store.MaxLimit {
			return badParameter(name, "%q is not a whole number from 1 to %d.", clip(value), store.MaxLimit)
		}
		p.query.Limit = n
	case "cursor":
		if value == "" || len(value) > maxCursor {
			return badParameter(name, "is not a next_cursor: send one unchanged, or leave it out.")
		}
		p.cursor = value
	default:
		return badParameter(clip(name), "is unknown: use camera, label, severity, from, to, limit and cursor.")
	}
	return err
}

func parseTime(name, value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || t.IsZero() {
		return time.Time{}, badParameter(name, "%q is no time: write it like 2026-05-04T03:02:01Z, and a + in it as %%2B.", clip(value))
	}
	return t, nil
}

// clip keeps what is repeated to the client short.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
