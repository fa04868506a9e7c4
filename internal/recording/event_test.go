package recording_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	events "porchlight/internal/event"
	"porchlight/internal/recording"
)

func event(id string, from, seconds float64, alert bool) recording.Event {
	e := recording.Event{ID: id, From: after(from), Until: after(from + seconds), Severity: events.Notice}
	if alert {
		e.Severity = events.Alert
	}
	return e
}

// TestEvent: what was before an event, the event, what was after it, each as
// whole GOPs; and nothing else.
func TestEvent(t *testing.T) {
	r := newRig(t, set{})
	r.seconds(12)
	r.begin("a", 10.5, 4, true)
	r.seconds(8)
	r.idle("a")
	// 3 s before 10.5 is in the GOP of 7; 2 s after 14.5 in that of 16.
	require.Equal(t, at(span(7, 16)...), all(t, r.library))
	require.Equal(t, []string{"20261121T120007.000Z-9900-alert.mp4"}, r.files())
	require.Equal(t, []recording.Range{{From: after(7), To: after(16.9), Class: recording.Alert}},
		r.library.Ranges("home.door", after(0), after(100)))
	require.Zero(t, r.Stats().Lost)
	require.Equal(t, after(16.9), r.Stats().Safe)
	require.Empty(t, r.library.Ranges("other", after(0), after(100)))
	require.Equal(t, []string{"home.door"}, r.library.Cameras())

	// A part of it.
	require.Equal(t, at(9, 10, 11), starts(t, r.library, after(9.5), after(11)))
	require.Empty(t, starts(t, r.library, after(100), after(101)))
	require.False(t, r.End("a", after(0)), "it is done with")
}

// TestEventsMerge: events that touch are one recording; a gap makes another.
func TestEventsMerge(t *testing.T) {
	r := newRig(t, set{})
	r.seconds(5)
	r.begin("a", 4, 1, false)
	r.begin("b", 8, 1, false) // its pre-roll begins where the post-roll of a ends
	r.begin("b", 8, 2, false) // told again
	r.seconds(10)
	r.safe(after(12.9))
	r.seconds(11)
	r.begin("c", 24, 10, false)
	r.begin("d", 27, 10, false)
	r.seconds(3)
	require.True(t, r.Extend("c", after(26)), "earlier than it ends already")
	require.True(t, r.End("c", after(26)))
	require.True(t, r.End("d", after(28)))
	require.False(t, r.Extend("e", after(50)))
	r.seconds(3)
	r.idle("a", "b", "c", "d")
	require.Equal(t, at(append(span(1, 12), span(21, 30)...)...), all(t, r.library))
	require.Len(t, r.files(), 2)
}

// TestLongEvent goes on in the next file.
func TestLongEvent(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Segment = 4 * time.Second }})
	r.begin("a", 0, 20, false)
	for range 23 {
		r.seconds(1)
		if s := r.now.Add(-2 * time.Second); s.After(noon) {
			r.safe(s)
		}
	}
	r.seconds(1)
	r.idle("a")
	require.Len(t, r.files(), 6)
	require.Equal(t, at(span(0, 22)...), all(t, r.library))
	require.Equal(t, []recording.Range{{From: after(0), To: after(22.9), Class: recording.Detection}},
		r.library.Ranges("home.door", after(0), after(100)), "there is no gap")
}

// TestSeverityRises: what is recorded already is kept as long as the rest.
func TestSeverityRises(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) { c.Segment = 3 * time.Second }})
	r.begin("a", 2, 8, false)
	r.seconds(9)
	r.safe(after(7.9))
	r.begin("a", 2, 8, true)
	r.seconds(6)
	r.idle("a")
	usage := r.library.Usage("home.door")
	require.Zero(t, usage.Bytes[recording.Detection])
	require.Positive(t, usage.Bytes[recording.Alert])
	require.Equal(t, after(0), usage.Oldest)
	require.Equal(t, after(12.9), usage.Newest)
	require.Equal(t, len(r.files()), usage.Files)
	for _, f := range r.files() {
		require.Contains(t, f, "alert")
	}
	require.Equal(t, at(span(0, 12)...), all(t, r.library))
	// Long after it.
	r.begin("b", 20, 1, false)
	r.seconds(15)
	r.idle("b")
	require.Equal(t, at(append(span(0, 12), span(17, 23)...)...), all(t, r.library))
	r.begin("b", 20, 1, true)
	require.Eventually(t, func() bool { return r.library.Usage("home.door").Bytes[recording.Detection] == 0 }, patience, time.Millisecond)
}

// TestContinuous: everything, in files that are kept as long as what is in
// them is worth.
func TestContinuous(t *testing.T) {
	r := newRig(t, set{recorder: func(c *recording.Config) {
		c.Mode, c.Segment = recording.Always, 10*time.Second
	}})
	r.seconds(12)
	r.safe(after(10.9))
	r.begin("a", 12, 2, true)
	r.seconds(10)
	r.safe(after(20.9))
	r.stop()
	require.Equal(t, at(span(0, 21)...), all(t, r.library), "to the last picture")
	require.Equal(t, []recording.Range{
		{From: after(0), To: after(16.9), Class: recording.Alert}, // the file it began in, the one after
		{From: after(17), To: after(21.9), Class: recording.Continuous},
	}, r.library.Ranges("home.door", after(0), after(100)))
	require.Equal(t, recording.Idle, r.Stats().State)
}

func TestBadEvents(t *testing.T) {
	r := newRig(t, set{})
	for _, e := range []recording.Event{
		{}, {ID: "x"}, {ID: "x", From: after(1), Until: after(0)}, {From: after(0), Until: after(1)},
		{ID: string(make([]byte, 65)), From: after(0), Until: after(1)},
	} {
		require.ErrorIs(t, r.Begin(e), recording.ErrEvent)
	}
	for i := range 300 {
		r.begin(string(rune('a'+i)), 5, 1, false)
	}
	require.Equal(t, 300-256, r.log.count("too many events"))
	for _, id := range []string{"", "..", ".lock", "a/b", `a\b`, "a\x00", string(make([]byte, 300))} {
		_, err := recording.New(recording.Config{Camera: id})
		require.ErrorIs(t, err, recording.ErrCamera, "%q", id)
		require.ErrorIs(t, r.library.SetLimits(id, recording.Limits{}), recording.ErrCamera)
	}
}
