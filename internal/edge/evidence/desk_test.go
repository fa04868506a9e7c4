package evidence

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when every test begins: a Friday.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// book notes what is wanted of a recorder or a sender.
type book struct {
	order []string
	spans map[string][2]time.Time
	image map[string]bool
	class map[string]event.Severity
}

func newBook() *book {
	return &book{spans: map[string][2]time.Time{}, image: map[string]bool{}, class: map[string]event.Severity{}}
}

func (b *book) begin(id string, from, until time.Time) {
	old, known := b.spans[id]
	if !known {
		b.order = append(b.order, id)
		b.spans[id] = [2]time.Time{from, until}
		return
	}
	if from.After(old[0]) {
		from = old[0]
	}
	if until.Before(old[1]) {
		until = old[1]
	}
	b.spans[id] = [2]time.Time{from, until}
}

func (b *book) Extend(id string, until time.Time) bool {
	old, known := b.spans[id]
	if known && until.After(old[1]) {
		b.spans[id] = [2]time.Time{old[0], until}
	}
	return known
}

func (b *book) End(id string, at time.Time) bool {
	old, known := b.spans[id]
	if known {
		b.spans[id] = [2]time.Time{old[0], at}
	}
	return known
}

// said is what is wanted, in seconds since noon, like "event 3..20".
func (b *book) said() []string {
	var out []string
	for _, id := range b.order {
		kind, _, own := strings.Cut(id, "-")
		if !own {
			kind = "event"
		}
		s := b.spans[id]
		out = append(out, fmt.Sprintf("%s %g..%g", kind, s[0].Sub(noon).Seconds(), s[1].Sub(noon).Seconds()))
	}
	return out
}

type cloudBook struct{ *book }

func (b cloudBook) Begin(e producer.Event) error {
	b.begin(e.ID, e.From, e.Until)
	b.image[e.ID] = e.Images
	return nil
}

type diskBook struct{ *book }

func (b diskBook) Begin(e recording.Event) error {
	b.begin(e.ID, e.From, e.Until)
	b.class[e.ID] = e.Severity
	return nil
}

// scene is a desk and a clock.
type scene struct {
	t           *testing.T
	desk        desk
	disk, cloud *book
	now         time.Time
	open        *event.Event
	said        event.Event // the last state
	over        bool
	dry         bool // no video comes
}

func newScene(t *testing.T, u config.Upload) *scene {
	s := &scene{t: t, disk: newBook(), cloud: newBook(), now: noon}
	s.desk = desk{
		camera: "home.door", pre: 5 * time.Second, post: 3 * time.Second, wishes: newWishes(u), disk: diskBook{s.disk}, cloud: cloudBook{s.cloud},
		flowing: func() bool { return !s.dry }, log: slog.New(slog.DiscardHandler), open: map[string]*stretch{},
	}
	return s
}

// to lets time pass, second by second, up to so many after noon.
func (s *scene) to(seconds int) {
	for end := noon.Add(time.Duration(seconds) * time.Second); s.now.Before(end); {
		s.now = s.now.Add(time.Second)
		s.desk.tick(s.now, s.over)
	}
}

// starts begins an event that has been going on for a second.
func (s *scene) starts(severity event.Severity) {
	at := s.now.Add(-time.Second)
	s.open = &event.Event{EventID: event.NewID(at), Camera: "home.door", State: event.Started, StartedAt: event.At(at), Severity: severity}
	s.tell()
}

func (s *scene) rises() {
	s.open.State, s.open.Severity = event.Updated, event.Alert
	s.tell()
}

// ends says that the event ended two seconds ago.
func (s *scene) ends() {
	at := event.At(s.now.Add(-2 * time.Second))
	s.open.State, s.open.EndedAt = event.Ended, &at
	s.tell()
}

func (s *scene) tell() {
	s.open.UpdatedAt = event.At(s.now)
	if clip := s.desk.happens(*s.open, s.now); clip != nil {
		s.open.Clip = clip
	}
	s.said = *s.open
}

// clip is the clip of the last state, in seconds since noon.
func (s *scene) clip() string {
	c := s.said.Clip
	if c == nil {
		return "none"
	}
	require.Equal(s.t, "home.door", c.Stream)
	return fmt.Sprintf("%g..%g", c.From.Sub(noon).Seconds(), c.To.Sub(noon).Seconds())
}

func (s *scene) sees(label string) { s.desk.sees([]event.Detection{{Label: label}}, s.now) }

func TestWhatIsUploaded(t *testing.T) {
	t.Parallel()
	always := func(mode string) config.Upload { return config.Upload{Mode: mode} }
	for _, c := range []struct {
		name   string
		upload config.Upload
		play   func(s *scene)
		cloud  []string
		disk   []string // nil: one event
		clip   string
	}{
		{"nothing", always(config.VideoOff), func(s *scene) { s.to(10); s.starts(event.Alert); s.to(20); s.ends(); s.to(60) },
			nil, []string{"event 9..18"}, "none"},
		{"an event", always(config.VideoEvents), func(s *scene) { s.to(10); s.starts(event.Notice); s.to(20); s.ends(); s.to(60) },
			[]string{"event 4..21"}, []string{"event 9..18"}, "4..21"},
		{"an event that lasts", always(config.VideoEvents), func(s *scene) { s.to(10); s.starts(event.Notice); s.to(1000); s.ends(); s.to(1060) },
			[]string{"event 4..1001"}, []string{"event 9..998"}, "4..1001"},
		{"an event that goes on", always(config.VideoEvents), func(s *scene) { s.to(10); s.starts(event.Notice); s.to(500) },
			[]string{"event 4..524"}, nil, "4..13"},
		{"no alert", always(config.VideoAlerts), func(s *scene) { s.to(10); s.starts(event.Notice); s.to(20); s.ends() },
			nil, nil, "none"},
		{"an alert", always(config.VideoAlerts), func(s *scene) { s.to(10); s.starts(event.Alert); s.to(20); s.ends() },
			[]string{"event 4..21"}, nil, "4..21"},
		{"an alert that rises", always(config.VideoAlerts), func(s *scene) {
			s.to(10)
			s.starts(event.Notice)
			s.to(100)
			s.rises()
			s.to(120)
			s.ends()
		},
			[]string{"event 4..121"}, nil, "4..121"},
		{"all the time", always(config.VideoContinuous), func(s *scene) { s.to(10); s.starts(event.Notice); s.to(20); s.ends(); s.to(41) },
			[]string{"all 1..64", "event 4..21"}, nil, "4..21"},
		{"on schedule", config.Upload{Mode: config.VideoOff, Schedule: []string{"fri 12:01-12:03"}},
			func(s *scene) { s.to(10); s.starts(event.Notice); s.to(20); s.ends(); s.to(300) },
			[]string{"all 60..180"}, nil, "none"},
		{"an event on schedule", config.Upload{Mode: config.VideoAlerts, Schedule: []string{"fri 12:01-12:03"}},
			func(s *scene) { s.to(100); s.starts(event.Notice); s.to(120); s.ends(); s.to(300) },
			[]string{"all 60..180", "event 94..121"}, nil, "94..121"},
		{"an event into the schedule", config.Upload{Mode: config.VideoOff, Schedule: []string{"fri 12:01-12:03"}},
			func(s *scene) { s.to(50); s.starts(event.Notice); s.to(70); s.ends(); s.to(300) },
			[]string{"all 60..180", "event 44..71"}, nil, "44..71"},
		{"a dog", config.Upload{Mode: config.VideoOff, Seen: map[string]time.Duration{"dog": time.Minute}},
			func(s *scene) { s.to(10); s.sees("cat"); s.to(20); s.sees("dog"); s.to(200) },
			[]string{"seen 15..80"}, []string{"seen 20..80"}, "none"},
		{"a dog that stays", config.Upload{Mode: config.VideoOff, Seen: map[string]time.Duration{"dog": time.Minute}},
			func(s *scene) {
				s.to(20)
				s.sees("dog")
				s.to(21)
				s.sees("dog")
				s.to(25)
				s.sees("dog")
				s.to(50)
				s.sees("dog")
				s.to(200)
			},
			[]string{"seen 15..115"}, []string{"seen 20..115"}, "none"},
		{"a dog that comes back", config.Upload{Mode: config.VideoOff, Seen: map[string]time.Duration{"dog": 10 * time.Second}},
			func(s *scene) { s.to(20); s.sees("dog"); s.to(100); s.sees("dog"); s.to(200) },
			[]string{"seen 15..30", "seen 95..110"}, []string{"seen 20..30", "seen 100..110"}, "none"},
		{"an event after a dog", config.Upload{Mode: config.VideoOff, Seen: map[string]time.Duration{"dog": time.Minute}},
			func(s *scene) {
				s.to(20)
				s.sees("dog")
				s.to(30)
				s.starts(event.Notice)
				s.to(40)
				s.ends()
				s.to(200)
			},
			[]string{"seen 15..80", "event 24..41"}, []string{"seen 20..80", "event 29..38"}, "24..41"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.upload)
			c.play(s)
			require.Equal(t, c.cloud, s.cloud.said())
			if c.disk != nil {
				require.Equal(t, c.disk, s.disk.said())
			}
			require.Equal(t, c.clip, s.clip())
		})
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoEvents})
	_, err := s.desk.stop(s.now)
	require.ErrorIs(t, err, ErrRefused)
	s.to(10)
	r, err := s.desk.record(time.Minute, s.now)
	require.NoError(t, err)
	require.True(t, r.uploaded)
	s.to(40)
	r, err = s.desk.record(time.Minute, s.now)
	require.NoError(t, err)
	require.Equal(t, noon.Add(5*time.Second), r.from, "they touch and are one")
	require.Equal(t, noon.Add(100*time.Second), r.until)
	r, err = s.desk.record(time.Second, s.now)
	require.NoError(t, err)
	require.Equal(t, noon.Add(100*time.Second), r.until, "what was asked for before stays")
	s.to(50)
	r, err = s.desk.stop(s.now)
	require.NoError(t, err)
	require.Equal(t, s.now, r.until)
	require.Equal(t, []string{"manual 5..50"}, s.cloud.said())
	require.Equal(t, []string{"manual 10..50"}, s.disk.said())
	_, err = s.desk.stop(s.now)
	require.ErrorIs(t, err, ErrRefused)
	s.to(60)
	_, err = s.desk.record(10*time.Second, s.now)
	require.NoError(t, err)
	s.to(80)
	_, err = s.desk.stop(s.now)
	require.ErrorIs(t, err, ErrRefused, "it is over")
	require.Equal(t, []string{"manual 5..50", "manual 55..70"}, s.cloud.said())
}

func TestCommandsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{})
	s.dry = true
	_, err := s.desk.record(time.Minute, s.now)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrRefused, "it may go the next time")
	s.dry, s.desk.cloud = false, nil
	r, err := s.desk.record(time.Minute, s.now)
	require.NoError(t, err)
	require.False(t, r.uploaded)
	require.Equal(t, []string{"manual 0..60"}, s.disk.said())
	s = newScene(t, config.Upload{})
	s.desk.disk, s.desk.cloud = nil, nil
	_, err = s.desk.record(time.Minute, s.now)
	require.ErrorIs(t, err, ErrRefused)
}

// When the day's bytes are used up nothing is uploaded until they are not, and
// events say no more than what is there.
func TestTheDayIsUsedUp(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoContinuous, Seen: map[string]time.Duration{"dog": time.Minute}})
	s.to(10)
	s.sees("dog")
	_, err := s.desk.record(time.Minute, s.now)
	require.NoError(t, err)
	s.starts(event.Alert)
	s.to(20)
	s.over = true
	s.to(25)
	s.sees("dog")
	require.Equal(t, []string{"all 1..21", "seen 5..21", "manual 5..21", "event 4..21"}, s.cloud.said())
	s.tell()
	require.Equal(t, "4..21", s.clip())
	s.ends()
	require.Equal(t, "4..21", s.clip())
	s.starts(event.Alert)
	require.Equal(t, "none", s.clip())
	r, err := s.desk.record(2*time.Minute, s.now)
	require.NoError(t, err)
	require.False(t, r.uploaded, "on the disk alone")
	s.to(40)
	s.over = false
	s.to(45)
	s.tell()
	require.Equal(t, "19..48", s.clip(), "the event that goes on is uploaded from its start")
	require.Len(t, s.cloud.said(), 6)
	require.Equal(t, "all 41..71", s.cloud.said()[4])
	s.ends()
	require.Equal(t, "event 19..46", s.cloud.said()[5])
	require.Equal(t, []string{"seen 10..70", "manual 10..145", "event 9..23", "event 24..43"}, s.disk.said(), "the disk has it all")
}

// An event that was being uploaded when the day was used up goes on the next.
func TestAnEventOverMidnight(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoEvents})
	s.to(10)
	s.starts(event.Alert)
	s.to(20)
	s.over = true
	s.to(100)
	s.over = false
	s.to(110)
	s.ends()
	require.Equal(t, []string{"event 4..111"}, s.cloud.said())
	require.Equal(t, "4..111", s.clip())
}

// An event that a crash left open goes on at both places.
func TestResume(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoAlerts})
	s.dry = true // no video has come yet
	began := noon.Add(-20 * time.Second)
	e := event.Event{
		EventID: event.NewID(began), Camera: "home.door", State: event.Updated, StartedAt: event.At(began), UpdatedAt: event.At(noon.Add(-3 * time.Second)),
		Severity: event.Alert, Clip: &event.Clip{Stream: "home.door", From: event.At(began), To: event.At(noon)},
	}
	s.desk.resume(e, s.now)
	require.Equal(t, []string{"event -25..30"}, s.cloud.said())
	s.open, s.dry = &e, false
	s.to(60)
	s.ends()
	require.Equal(t, []string{"event -25..61"}, s.cloud.said())
	require.Equal(t, []string{"event -20..58"}, s.disk.said())
	require.Equal(t, "-25..61", s.clip())
}

// Pictures are made of alerts alone.
func TestImages(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoEvents, Images: true})
	s.starts(event.Notice)
	require.False(t, s.cloud.image[s.open.EventID])
	s.to(10)
	s.rises()
	require.True(t, s.cloud.image[s.open.EventID])
	require.Equal(t, event.Alert, s.disk.class[s.open.EventID])
}

// Nothing is open when the camera goes.
func TestTheEndOfACamera(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoContinuous, Seen: map[string]time.Duration{"dog": time.Minute}})
	s.to(10)
	s.sees("dog")
	_, err := s.desk.record(time.Minute, s.now)
	require.NoError(t, err)
	s.starts(event.Alert)
	s.to(20)
	s.desk.close(s.now)
	require.Equal(t, []string{"all 1..20", "seen 5..20", "manual 5..20", "event 4..23"}, s.cloud.said())
	require.Equal(t, []string{"seen 10..20", "manual 10..20", "event 9..20"}, s.disk.said())
}

// What a command began goes on after a restart, unless it is over or absurd.
func TestWhatACommandBeganIsRemembered(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration][]string{
		time.Minute: {"manual -15..60"}, -time.Second: nil, 30 * 24 * time.Hour: nil,
	} {
		s := newScene(t, config.Upload{Mode: config.VideoEvents})
		s.desk.remember(&manual{Begin: noon.Add(-10 * time.Second), Until: noon.Add(length)}, s.now)
		require.Equal(t, want, s.cloud.said())
	}
}

// No video, no claim that it is uploaded.
func TestNoVideo(t *testing.T) {
	t.Parallel()
	s := newScene(t, config.Upload{Mode: config.VideoContinuous})
	s.dry = true
	s.to(10)
	s.starts(event.Alert)
	require.Equal(t, "none", s.clip())
	s.to(12)
	s.dry = false
	s.to(14)
	s.tell()
	require.Equal(t, "4..17", s.clip())
	require.True(t, slices.Contains(s.cloud.said(), "all 13..43"))
}
