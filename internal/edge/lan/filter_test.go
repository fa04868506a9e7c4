package lan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		pattern, filter string
		want            bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/c", false},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+", "a/b", true},
		{"a/+", "a/+", true},
		{"a/+", "a/#", false},
		{"a/+", "a", false},
		{"a/+", "a/", true},
		{"a/b", "a/+", false},
		{"a/#", "a/b/c", true},
		{"a/#", "a/+/c", true},
		{"a/#", "a/#", true},
		{"a/#", "a", true},
		{"a/#", "ab", false},
		{"a/#", "#", false},
		{"a/#", "+/b", false},
		{"+/b", "a/b", true},
		{"+/b/#", "a/b", true},
		{"#", "a/b", true},
		{"#", "#", true},
		{"#", "$SYS/broker", false},
		{"#", "$share/g/a", false},
		{"+/broker", "$SYS/broker", false},
		{"/a", "/a", true},
		{"a", "", false},
	} {
		require.Equal(t, tt.want, covers(tt.pattern, tt.filter), "%s covers %s", tt.pattern, tt.filter)
	}
}

// What is covered by what is covered is covered: a subscription that is
// allowed brings no topic that is not.
func FuzzCovers(f *testing.F) {
	f.Fuzz(func(t *testing.T, pattern, filter, topic string) {
		if strings.ContainsAny(topic, "+#") || !well(pattern) || !well(filter) {
			return
		}
		if covers(pattern, filter) && covers(filter, topic) && !covers(pattern, topic) {
			t.Fatalf("%q covers %q, which covers %q, but it does not", pattern, filter, topic)
		}
		if covers(pattern, topic) != match(strings.Split(pattern, "/"), strings.Split(topic, "/")) && !strings.HasPrefix(topic, "$") {
			t.Fatalf("%q covers %q: %v", pattern, topic, covers(pattern, topic))
		}
	})
}

func well(filter string) bool {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if strings.ContainsAny(level, "+#") && level != "+" && (level != "#" || i < len(levels)-1) {
			return false
		}
	}
	return true
}

// match is the rule of MQTT 5.0, 4.7, level by level.
func match(pattern, topic []string) bool {
	switch {
	case len(pattern) > 0 && pattern[0] == "#":
		return true
	case len(pattern) == 0 || len(topic) == 0:
		return len(pattern) == len(topic)
	case pattern[0] != "+" && pattern[0] != topic[0]:
		return false
	}
	return match(pattern[1:], topic[1:])
}

func TestFramer(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes string
		limit int64
		begun int
		bad   bool
	}{
		"ping":                   {"\xc0\x00", 10, 1, false},
		"pings":                  {"\xc0\x00\xc0\x00\xc0", 10, 3, false},
		"publish":                {"\x30\x03\x00\x01a\xc0\x00", 10, 2, false},
		"just fits":              {"\x30\x05", 5, 1, false},
		"too large":              {"\x30\x06", 5, 1, true},
		"too large in two bytes": {"\x30\x80\x01", 127, 1, true},
		"not known yet":          {"\x30\x80", 1, 1, false},
		"length of five bytes":   {"\x30\x80\x80\x80\x80\x01", 1 << 40, 1, true},
	} {
		begun, err := new(framer).scan([]byte(tt.bytes), tt.limit)
		require.Equal(t, tt.begun, begun, name)
		require.Equal(t, tt.bad, err != nil, name)
	}
}

// However the bytes come, the packets are the same.
func FuzzFramer(f *testing.F) {
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		const limit = 1000
		whole, parts := new(framer), new(framer)
		begun, err := whole.scan(stream, limit)
		cut = min(max(cut, 0), len(stream))
		first, bad := parts.scan(stream[:cut], limit)
		second := 0
		if bad == nil {
			second, bad = parts.scan(stream[cut:], limit)
		}
		if begun != first+second || (err == nil) != (bad == nil) {
			t.Fatalf("whole: %d %v, in parts: %d+%d %v", begun, err, first, second, bad)
		}
		if err == nil && (whole.skip < 0 || whole.skip > limit) {
			t.Fatalf("skip %d", whole.skip)
		}
	})
}

func TestFeedIsBounded(t *testing.T) {
	f := newFeed("#", nil)
	for range maxQueue + 5 {
		f.put("a", nil)
	}
	messages, dropped := f.take()
	require.Len(t, messages, maxQueue)
	require.Equal(t, 5, dropped)
	large := make([]byte, maxQueueBytes/2)
	for range 3 {
		f.put("a", large)
	}
	messages, dropped = f.take()
	require.Len(t, messages, 2)
	require.Equal(t, 1, dropped)
}

func TestRetainedAreBounded(t *testing.T) {
	r := retained{sizes: map[string]int{}}
	for i := range maxRetained {
		require.True(t, r.admit(strings.Repeat("x", i+1), 1))
	}
	require.False(t, r.admit("one more", 1))
	require.True(t, r.admit("x", 2), "in place of another")
	require.True(t, r.admit("x", 0), "room is made")
	require.True(t, r.admit("one more", 1))
	require.False(t, r.admit("one more", maxRetainedSize), "too many bytes")
	require.Equal(t, maxRetained, r.total)
}
