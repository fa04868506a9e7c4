package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// dashed is a text that may begin with a dash, unlike other values of flags.
type dashed string

// Decode implements kong.MapperValue.
func (d *dashed) Decode(ctx *kong.DecodeContext) error {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return errors.New("missing value")
	}
	*d = dashed(token.String())
	return nil
}

// moment is a time as people write it.
type moment string

// Decode implements kong.MapperValue.
func (m *moment) Decode(ctx *kong.DecodeContext) error { return (*dashed)(m).Decode(ctx) }

// dateLayouts are those of a time of a known day, timeLayouts those of today.
func dateLayouts() []string { return []string{time.DateTime, "2006-01-02 15:04", time.DateOnly} }
func timeLayouts() []string { return []string{time.TimeOnly, "15:04"} }

// at is the time that is meant; now says which day is today, and in which
// zone.
func (m moment) at(now time.Time) (time.Time, error) {
	text := string(m)
	if text == "now" {
		return now, nil
	}
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		if d, err := duration(ago); err == nil {
			return now.Add(-d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range dateLayouts() {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range timeLayouts() {
		if t, err := time.Parse(layout, text); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want a time like 2006-01-02T15:04:05Z, \"2006-01-02 15:04:05\", 15:04 or -10m", text)
}

// mostAgo is a hundred years.
const mostAgo = 36500

// duration is 1h30m, or 2d for days.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > mostAgo {
			return 0, fmt.Errorf("%q: want up to %d days", text, mostAgo)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%q: it is negative", text)
	}
	return d, err
}

// local writes a time as this machine's clock shows it.
func local(t time.Time) string { return t.Local().Format(time.DateTime) }

// until writes the end of a time, without the day where that is clear.
func until(from, to time.Time) string {
	if from.Local().Format(time.DateOnly) == to.Local().Format(time.DateOnly) {
		return to.Local().Format(time.TimeOnly)
	}
	return local(to)
}

// length writes a length in whole seconds.
func length(d time.Duration) string { return d.Round(time.Second).String() }
