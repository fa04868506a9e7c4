package evidence

import (
	"errors"
	"fmt"
	"time"

	"porchlight/internal/event"
)

// Why a camera cannot be told to record.
var (
	errNothingKept = fmt.Errorf("%w: its video is neither recorded nor uploaded: record.mode and upload.mode are off, or what they need is missing", ErrRefused)
	errNoVideo     = errors.New("no video comes that could be recorded: the camera's status says whether it runs")
	errOver        = fmt.Errorf("%w: its upload.daily_bytes are used up for today, and record.mode is off", ErrRefused)
	errNotManual   = fmt.Errorf("%w: no command has begun a recording of it that still goes on", ErrRefused)
)

// record keeps what comes for so long, because of a command.
func (d *desk) record(length time.Duration, now time.Time) (*stretch, error) {
	switch {
	case d.disk == nil && d.cloud == nil:
		return nil, errNothingKept
	case d.disk == nil && d.over:
		return nil, errOver
	case !d.flowing():
		return nil, errNoVideo
	}
	until := now.Add(length)
	if d.runs(d.manual, now) { // they touch
		if until.After(d.manual.until) {
			d.manual.until = until
			d.extend(d.manual)
		}
		return d.manual, nil
	}
	d.manual = &stretch{
		id: "manual-" + event.NewID(now), begin: now, from: now.Add(-d.pre), until: until,
		recorded: d.disk != nil, uploaded: d.cloud != nil && !d.over,
	}
	d.begin(d.manual, now)
	return d.manual, nil
}

// stop ends what record began.
func (d *desk) stop(now time.Time) (*stretch, error) {
	s := d.manual
	if !d.runs(s, now) {
		return nil, errNotManual
	}
	s.until, d.manual = now, nil
	d.halt(s, now)
	return s, nil
}

// remember goes on with what a command began before a restart.
func (d *desk) remember(m *manual, now time.Time) {
	if m == nil || !m.Until.After(now) || m.Until.Sub(now) > longestManual {
		return
	}
	d.manual = &stretch{
		id: "manual-" + event.NewID(now), begin: m.Begin, from: m.Begin.Add(-d.pre), until: m.Until,
		recorded: d.disk != nil, uploaded: d.cloud != nil && !d.over,
	}
	d.begin(d.manual, now)
}

// longestManual is how long a command can have a camera record.
const longestManual = time.Hour
