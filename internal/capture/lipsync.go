package capture

import (
	"log/slog"
	"time"
)

const (
	// maxLipStep is how far sound may be off before it is put right at once.
	maxLipStep = 80 * time.Millisecond
	// lipSlew is how fast it is put right otherwise: a part of the time that
	// passes, more than any two clocks differ and less than can be heard.
	lipSlew = 500
	// maxLipDoubt is how far a camera's own times may differ from those of
	// arrival and still be believed to be of one clock.
	maxLipDoubt = 2 * time.Second
)

// lipSync puts the sound of one RTSP connection on the timeline of its
// pictures. A camera's two tracks have clocks of their own that drift apart.
// Its RTCP sender reports tell how, or else the times of arrival.
type lipSync struct {
	video, audio track
	pts          time.Duration // of the newest picture
	at           time.Time     // of the newest picture
	seen         bool          // a picture

	begun  bool
	offset time.Duration // from the sound's own PTS to the pictures'
	last   time.Duration // of sound, on its own clock
}

// track is what is known of one track: the wall clock at its PTS 0.
type track struct {
	clock             *wallClock
	arrival, reported time.Time
}

func newLipSync() *lipSync {
	// Its clocks tell nothing that the pictures' own does not.
	quiet := slog.New(slog.DiscardHandler)
	return &lipSync{video: track{clock: &wallClock{log: quiet}}, audio: track{clock: &wallClock{log: quiet}}}
}

// see takes in a packet that arrived now.
func (t *track) see(pts time.Duration, now, reported time.Time) {
	t.arrival = t.clock.at(pts, now, time.Time{}).Add(-pts)
	t.reported = time.Time{}
	if !reported.IsZero() {
		t.reported = reported.Add(-pts)
	}
}

// picture takes in a picture that was taken at at.
func (l *lipSync) picture(pts time.Duration, at, now, reported time.Time) {
	l.video.see(pts, now, reported)
	if !l.seen || pts > l.pts || l.pts-pts > maxClockSkew {
		l.seen, l.pts, l.at = true, pts, at
	}
}

// sound returns the PTS and the wall clock of sound on the pictures'
// timeline. They are not known before the first picture.
func (l *lipSync) sound(own time.Duration, now, reported time.Time) (pts time.Duration, at time.Time, known bool) {
	l.audio.see(own, now, reported)
	if !l.seen {
		return 0, time.Time{}, false
	}
	want := l.audio.arrival.Sub(l.video.arrival)
	if !l.audio.reported.IsZero() && !l.video.reported.IsZero() {
		if told := l.audio.reported.Sub(l.video.reported); (told - want).Abs() < maxLipDoubt {
			want = told
		}
	}
	off := want - l.offset
	if !l.begun || off.Abs() > maxLipStep {
		l.offset = want
	} else if slew := max(own-l.last, 0) / lipSlew; off > 0 {
		l.offset += min(off, slew)
	} else {
		l.offset -= min(-off, slew)
	}
	l.begun, l.last = true, own
	pts = own + l.offset
	return pts, l.at.Add(pts - l.pts), true
}
