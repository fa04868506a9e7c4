package recording

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A file is <camera>/<day>/<start>-<milliseconds>-<class>.mp4 below the
// library's folder, in UTC; while it is being written it has no length and
// ends in ".part". Files that start in the same millisecond, after a clock
// was set back, are numbered.
const (
	dayLayout   = "2006-01-02"
	startLayout = "20060102T150405.000Z"
	maxSame     = 100
	// maxLength bounds a file's length as its name says it, milliseconds.
	maxLength = int64(24 * time.Hour / time.Millisecond)
)

var namePattern = regexp.MustCompile(`^(\d{8}T\d{6}\.\d{3}Z)(?:_(\d{1,2}))?(?:-(\d{1,8}))?-(continuous|detection|alert)\.(mp4|part)$`)

// name is what a file's name says.
type name struct {
	start, end int64 // milliseconds since 1970
	same       int   // 0 for the first file of its start
	class      Class
	open       bool // being written, or left so by a crash
}

func (n name) day() string { return time.UnixMilli(n.start).UTC().Format(dayLayout) }

func (n name) String() string {
	s := time.UnixMilli(n.start).UTC().Format(startLayout)
	if n.same > 0 {
		s += fmt.Sprintf("_%d", n.same)
	}
	if n.open {
		return fmt.Sprintf("%s-%s.part", s, n.class)
	}
	return fmt.Sprintf("%s-%d-%s.mp4", s, n.end-n.start, n.class)
}

func parseName(s string) (name, bool) {
	m := namePattern.FindStringSubmatch(s)
	if m == nil {
		return name{}, false
	}
	start, err := time.Parse(startLayout, m[1])
	if err != nil {
		return name{}, false
	}
	n := name{start: start.UnixMilli(), open: m[5] == "part"}
	n.same, _ = strconv.Atoi(m[2]) // empty or two digits
	length, _ := strconv.ParseInt(m[3], 10, 64)
	n.end = n.start + length
	for class, text := range classNames {
		if text == m[4] {
			n.class = class
		}
	}
	return n, n.open == (m[3] == "") && length <= maxLength && n.String() == s
}
