package live_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// place is where in a clip a picture is.
type place struct{ clip, picture int }

// index finds pictures by their bytes.
func index(clips ...[]*media.Packet) map[string]place {
	places := make(map[string]place)
	for c, packets := range clips {
		for n, p := range packets {
			places[string(bytes.Join(p.AU, nil))] = place{c, n}
		}
	}
	return places
}

// decodable fails the test unless each picture is a keyframe or follows the
// one it was predicted from, byte for byte as the camera sent it, and is dated
// after the one before. It returns where each is from.
func decodable(t testing.TB, v *watcher, clips ...[]*media.Packet) (from []place) {
	t.Helper()
	places := index(clips...)
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, au := range v.units {
		at, ok := places[string(bytes.Join(au, nil))]
		require.True(t, ok, "picture %d is none of the camera's", i)
		key := clips[at.clip][at.picture].Key
		if i == 0 {
			require.True(t, key, "it begins with a keyframe")
		} else {
			require.Positive(t, int32(v.stamps[i]-v.stamps[i-1]), "picture %d is dated before the last", i)
			before := from[i-1]
			require.True(t, key || before == place{at.clip, at.picture - 1}, "picture %d is %v after %v", i, at, before)
		}
		from = append(from, at)
	}
	return from
}
