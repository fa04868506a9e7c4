package lan

import (
	"slices"
	"strings"
)

// covers says whether every topic that matches filter matches pattern too. A
// topic is a filter that matches itself alone. Matching: MQTT 5.0, 4.7.
//
// What begins with $ is the broker's own and covered by nothing.
func covers(pattern, filter string) bool {
	if strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		want, wants, wantMore := strings.Cut(pattern, "/")
		level, levels, more := strings.Cut(filter, "/")
		switch {
		case want == "#":
			return true
		case level == "#", want != "+" && want != level:
			return false
		case !more:
			return !wantMore || wants == "#" // a/# stands for a too
		case !wantMore:
			return false
		}
		pattern, filter = wants, levels
	}
}

// coveredBy says whether one of the patterns covers filter.
func coveredBy(patterns []string, filter string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, filter) })
}
