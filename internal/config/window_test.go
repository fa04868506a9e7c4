package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	return zone
}

func TestWindows(t *testing.T) {
	t.Parallel()
	// 2026-11-20 is a Friday.
	for _, c := range []struct {
		window string
		in     []string
		out    []string
	}{
		{"mon-fri 22:00-06:00", []string{"2026-11-20 22:00", "2026-11-20 23:59", "2026-11-21 05:59", "2026-11-17 03:00"},
			[]string{"2026-11-20 21:59", "2026-11-21 06:00", "2026-11-21 22:30", "2026-11-22 01:00", "2026-11-23 05:00"}},
		{"sat,sun", []string{"2026-11-21 00:00", "2026-11-22 23:59"}, []string{"2026-11-20 23:59", "2026-11-23 00:00"}},
		{"08:00-18:00", []string{"2026-11-20 08:00", "2026-11-22 17:59"}, []string{"2026-11-20 07:59", "2026-11-22 18:00"}},
		{"Fri 12:00-24:00", []string{"2026-11-20 12:00", "2026-11-20 23:59"}, []string{"2026-11-20 11:59", "2026-11-21 00:00", "2026-11-19 13:00"}},
		{"sat-mon 9:30-10:00", []string{"2026-11-21 09:30", "2026-11-22 09:45", "2026-11-23 09:59"}, []string{"2026-11-20 09:45", "2026-11-24 09:45"}},
		{"sun 23:00-01:00", []string{"2026-11-22 23:30", "2026-11-23 00:59"}, []string{"2026-11-22 00:30", "2026-11-23 01:00"}},
		{"mon,wed-fri 00:00-24:00", []string{"2026-11-18 00:00", "2026-11-16 12:00"}, []string{"2026-11-17 12:00"}},
		{"06:00-00:00", []string{"2026-11-20 06:00", "2026-11-20 23:59"}, []string{"2026-11-20 00:00", "2026-11-20 05:59"}},
	} {
		w, err := ParseWindow(c.window)
		require.NoError(t, err, c.window)
		for want, times := range map[bool][]string{true: c.in, false: c.out} {
			for _, at := range times {
				moment, err := time.Parse("2006-01-02 15:04", at)
				require.NoError(t, err)
				require.Equal(t, want, w.Holds(moment), "%s at %s", c.window, at)
			}
		}
	}
}

// The clock on the wall counts: a night is an hour shorter or longer.
func TestWindowsWhenTheClocksChange(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	night, err := ParseWindow("22:00-06:00")
	require.NoError(t, err)
	gone, err := ParseWindow("02:00-03:00")
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		from   time.Time
		nights int // minutes in the night
		hours  int // minutes from 2 to 3
	}{
		{"spring", time.Date(2026, 3, 28, 12, 0, 0, 0, zone), 7 * 60, 0},
		{"autumn", time.Date(2026, 10, 24, 12, 0, 0, 0, zone), 9 * 60, 2 * 60},
		{"usual", time.Date(2026, 11, 20, 12, 0, 0, 0, zone), 8 * 60, 60},
	} {
		nights, hours := 0, 0
		for i := range 24 * 60 {
			at := c.from.Add(time.Duration(i) * time.Minute)
			if night.Holds(at) {
				nights++
			}
			if gone.Holds(at) {
				hours++
			}
		}
		require.Equal(t, c.nights, nights, c.name)
		require.Equal(t, c.hours, hours, c.name)
	}
}

func TestBadWindows(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "never", "mon fri 10:00-11:00", "mon- 10:00-11:00", "mon,,tue", "10:00", "mon 10:00", "10:00-10:00", "24:00-06:00",
		"25:00-06:00", "10:60-11:00", "10:00-24:01", "-1:00-02:00", "1000-1100", "mon-fri 22:00-06:00 extra", "10:5-11:00", "monday", "+1:00-2:00",
	} {
		_, err := ParseWindow(text)
		require.Error(t, err, text)
	}
	u := uploadDefaults()
	u.Schedule = []string{"mon", "noon"}
	err := u.validate("cameras.door.upload")
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "cameras.door.upload.schedule[1]")
	require.ErrorContains(t, err, "noon")
	require.Len(t, u.Windows(), 1)
}

func FuzzParseWindow(f *testing.F) {
	for _, seed := range []string{"mon-fri 22:00-06:00", "sat,sun", "08:00-18:00", "00:00-24:00", "", "mon-", "1:1-2:2", "x y z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWindow(text)
		if err != nil {
			return
		}
		// Each window holds some time of the week.
		held := false
		for minute := range 7 * midnight {
			held = held || w.Holds(time.Date(2026, 11, 16, 0, minute, 0, 0, time.UTC))
		}
		if !held {
			t.Fatalf("%q never holds", text)
		}
	})
}
