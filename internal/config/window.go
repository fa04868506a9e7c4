package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Window is a time that comes back every week, like mon-fri 22:00-06:00. One
// that ends no later than it begins goes on over midnight; it belongs to the
// day on which it begins. It counts by the clock on the wall: where that is
// set forward or back in the night, a window is shorter or longer.
type Window struct {
	days       [7]bool // by time.Weekday
	begin, end int     // minutes since midnight; end is up to 24:00
}

// errWindow is a window that cannot be read.
var errWindow = errors.New("want days, a time or both, like mon-fri 22:00-06:00, sat,sun or 08:00-18:00")

const midnight = 24 * 60

// ParseWindow reads a window: days, as a list of days and ranges of days, a
// time of the day, or both. Without days it is every day's, without a time it
// is the whole day.
func ParseWindow(text string) (Window, error) {
	w := Window{end: midnight}
	fields := strings.Fields(strings.ToLower(text))
	if len(fields) == 0 || len(fields) > 2 {
		return Window{}, errWindow
	}
	if len(fields) == 1 && strings.Contains(fields[0], ":") {
		fields = []string{"mon-sun", fields[0]}
	}
	for _, item := range strings.Split(fields[0], ",") {
		if err := w.addDays(item); err != nil {
			return Window{}, err
		}
	}
	if len(fields) == 1 {
		return w, nil
	}
	begin, end, ok := strings.Cut(fields[1], "-")
	if !ok {
		return Window{}, errWindow
	}
	var err error
	if w.begin, err = parseClock(begin); err != nil {
		return Window{}, err
	}
	if w.end, err = parseClock(end); err != nil {
		return Window{}, err
	}
	if w.begin == midnight || w.begin == w.end {
		return Window{}, fmt.Errorf("%s holds no time; a whole day is 00:00-24:00", fields[1])
	}
	return w, nil
}

// addDays adds a day or a range of days, which may go over the end of the week.
func (w *Window) addDays(item string) error {
	first, last, isRange := strings.Cut(item, "-")
	if !isRange {
		last = first
	}
	from, ok := weekday(first)
	to, known := weekday(last)
	if !ok || !known {
		return fmt.Errorf("%q is no day; the days are mon, tue, wed, thu, fri, sat and sun", brief(item))
	}
	for day := from; ; day = (day + 1) % 7 {
		w.days[day] = true
		if day == to {
			return nil
		}
	}
}

func weekday(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name == strings.ToLower(day.String()[:3]) {
			return day, true
		}
	}
	return 0, false
}

// parseClock reads hh:mm, from 00:00 to 24:00, as minutes.
func parseClock(text string) (int, error) {
	hours, minutes, ok := strings.Cut(text, ":")
	h, err := strconv.ParseUint(hours, 10, 8)
	m, bad := strconv.ParseUint(minutes, 10, 8)
	at := int(h)*60 + int(m)
	if !ok || err != nil || bad != nil || len(hours) > 2 || len(minutes) != 2 || m > 59 || at > midnight {
		return 0, fmt.Errorf("%q is no time of the day, 00:00 to 24:00", brief(text))
	}
	return at, nil
}

// Holds tells whether a moment is in the window, in the time zone it has.
func (w Window) Holds(t time.Time) bool {
	today, at := t.Weekday(), t.Hour()*60+t.Minute()
	if w.begin < w.end {
		return w.days[today] && at >= w.begin && at < w.end
	}
	yesterday := (today + 6) % 7
	return w.days[today] && at >= w.begin || w.days[yesterday] && at < w.end
}
