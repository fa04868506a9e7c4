package iot_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/iot"
)

// MQTT 5.0, 4.7.
func TestFiltersMatch(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "a/b", false}, {"a/b", "a", false}, {"a", "A", false},
		{"a/", "a", false}, {"a", "a/", false}, {"/a", "/a", true}, {"/a", "a", false},
		{"a/+/c", "a/b/c", true}, {"a/+/c", "a//c", true}, {"a/+", "a", false}, {"a/+", "a/", true}, {"a/+", "a/b/c", false},
		{"+", "a", true}, {"+", "/a", false}, {"/+", "/a", true}, {"+/+", "/a", true},
		{"#", "a", true}, {"#", "a/b/c", true}, {"#", "/", true}, {"a/#", "a/b/c", true}, {"a/#", "a/", true}, {"a/#", "ab", false},
		{"a/#", "a", true}, {"a/+/#", "a", false}, {"a/+/#", "a/b", true}, {"+/b/#", "a/b/c/d", true},
		{"#", "$aws/things/x", false}, {"+/things/x", "$aws/things/x", false}, {"+/#", "$SYS/x", false},
		{"$aws/#", "$aws/things/x", true}, {"$aws/things/+", "$aws/things/x", true}, {"a/+", "a/$b", true}, {"$aws/#", "aws/x", false},
	} {
		require.Equal(t, c.want, iot.Matches(c.filter, c.topic), "%s %s", c.filter, c.topic)
	}
}

// FuzzMatches compares with what the standard says in other words.
func FuzzMatches(f *testing.F) {
	f.Add("a/+/#", "a/b/c")
	f.Fuzz(func(t *testing.T, filter, topic string) {
		got := iot.Matches(filter, topic)
		if iot.CheckFilter(filter) != nil {
			return // must not panic, that is all
		}
		require.Equal(t, matchesBySplitting(strings.Split(filter, "/"), strings.Split(topic, "/")), got)
		if !strings.ContainsAny(topic, "+#") && iot.CheckFilter(topic) == nil {
			require.True(t, iot.Matches(topic, topic))
		}
	})
}

func matchesBySplitting(filter, topic []string) bool {
	if strings.HasPrefix(topic[0], "$") && !strings.HasPrefix(filter[0], "$") {
		return false
	}
	rest := filter[len(filter)-1] == "#"
	if rest {
		filter = filter[:len(filter)-1]
		topic = topic[:min(len(topic), len(filter))]
	}
	if len(filter) != len(topic) {
		return false
	}
	for i := range filter {
		if filter[i] != "+" && filter[i] != topic[i] {
			return false
		}
	}
	return true
}
