package producer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/matroska"
	"porchlight/internal/media/mediatest"
)

// TestFragmentRules is the rules for fragments
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/how-data.html,
// https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/limits.html), one by
// one: each with what would break it and what is sent instead. The service in
// these tests reads the Matroska with a parser of its own, and objects besides.
func TestFragmentRules(t *testing.T) {
	for name, row := range map[string]struct {
		config func(c *Config)
		film   func(r *rig) (fragments int)
		check  func(t *testing.T, r *rig, all []*received)
	}{
		"a fragment is one cluster and begins with a keyframe": {
			film: func(r *rig) int {
				r.camera.frame(false) // no keyframe yet
				r.camera.gops(3)
				return 3
			},
			check: func(t *testing.T, r *rig, all []*received) {
				for i, f := range all {
					require.Equal(t, r.camera.keys[i], f.timecode)
					file := mediatest.Read(t, f.data)
					require.Len(t, file.Segment.Cluster, 1)
					require.True(t, file.Segment.Cluster[0].SimpleBlock[0].Keyframe)
				}
			},
		},
		"it has at least one frame of every track": {
			film: func(r *rig) int {
				r.hear()
				r.camera.gops(1)
				r.camera.sound = nil
				r.camera.gops(1)
				return 2
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				require.Positive(t, all[0].tracks[2])
				require.Positive(t, all[1].tracks[2], "silence")
			},
		},
		"tracks are numbered as in the header": {
			film: func(r *rig) int {
				r.hear()
				r.camera.gops(2)
				return 2
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				for _, f := range all {
					require.Equal(t, map[byte]string{1: "V_MPEG4/ISO/AVC", 2: "A_AAC"}, f.header.tracks)
					require.Len(t, f.tracks, 2)
				}
			},
		},
		"it begins after the last frame of the one before": {
			film: func(r *rig) int {
				r.camera.gops(2)
				r.camera.skew -= time.Hour
				r.camera.gops(3)
				return 5
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				connections := map[int]int64{}
				for _, f := range all {
					require.Greater(t, f.timecode, connections[f.connection])
					connections[f.connection] = f.end
				}
				require.Len(t, connections, 2, "a clock set back needs a connection of its own")
			},
		},
		"times are absolute": {
			film: func(r *rig) int { r.camera.gops(1); return 1 },
			check: func(t *testing.T, r *rig, all []*received) {
				require.Equal(t, "ABSOLUTE", r.service.requests[0].Header.Get("x-amzn-fragment-timecode-type"))
				require.Equal(t, r.camera.keys[0], all[0].timecode)
			},
		},
		"codec data never changes on a connection": {
			film: func(r *rig) int {
				r.camera.gops(2)
				other := *r.camera.stream
				other.PPS = []byte{0x68, 0xce, 0x0f, 0xc9}
				r.camera.stream = &other
				r.camera.gops(2)
				return 4
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				headers := map[int]*heading{}
				for _, f := range all {
					headers[f.connection] = f.header
				}
				require.Len(t, headers, 2)
				require.NotEqual(t, headers[1].raw[300:], headers[2].raw[300:])
			},
		},
		"frames have NAL units with their length before, and no parameter sets": {
			film: func(r *rig) int { r.camera.gops(1); return 1 },
			check: func(t *testing.T, _ *rig, all []*received) {
				for _, block := range mediatest.Read(t, all[0].data).Segment.Cluster[0].SimpleBlock {
					_, err := lengthPrefixed(block.Data[0])
					require.NoError(t, err)
				}
			},
		},
		"tags follow their cluster and are not in it": {
			film: func(r *rig) int { r.camera.gops(2); return 2 },
			check: func(t *testing.T, r *rig, all []*received) {
				file := mediatest.Read(t, r.service.bodies[0].Bytes())
				require.GreaterOrEqual(t, len(file.Segment.Tags), 4)
				for _, f := range all {
					require.Contains(t, f.tags, TagEvents)
				}
			},
		},
		"names of tags do not begin with AWS, but for three": {
			film: func(r *rig) int {
				for _, name := range []string{"AWS_X", "AWS", "AWS_KINESISVIDEO_END_OF_FRAGMENT"} {
					require.ErrorIs(r.t, r.Begin(Event{ID: "x", From: r.camera.at, Until: r.camera.at, Tags: []matroska.Tag{{Name: name}}}), ErrEvent)
				}
				r.camera.gops(1)
				return 1
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				require.Equal(t, map[string]string{matroska.TagImages: "", TagEvents: "01A"}, all[0].tags)
			},
		},
		"at most ten tags, and values of 256 bytes": {
			film: func(r *rig) int {
				for i := range 40 {
					var tags []matroska.Tag
					for n := range 10 {
						tags = append(tags, matroska.Tag{Name: fmt.Sprint(i, "-", n), Value: strings.Repeat("x", 256)})
					}
					e := r.camera.always()
					e.ID, e.Tags = fmt.Sprintf("%026d", i), tags
					require.NoError(r.t, r.Begin(e))
				}
				r.camera.gops(1)
				return 1
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				require.Len(t, all[0].tags, 9, "and the one that ends it")
				require.LessOrEqual(t, len(all[0].tags[TagEvents]), 256)
			},
		},
		"its end is said at once": {
			film:  func(r *rig) int { r.camera.gops(2); return 2 },
			check: func(t *testing.T, _ *rig, all []*received) { require.True(t, all[0].ended && all[1].ended) },
		},
		"it lasts a second or so": {
			config: func(c *Config) { c.Timing.Shortest = time.Second },
			film: func(r *rig) int {
				for range 31 {
					r.camera.frame(true)
				}
				return 3
			},
			check: func(t *testing.T, _ *rig, all []*received) { require.Equal(t, 10, all[0].tracks[1]) },
		},
		"it lasts at most 20 seconds": {
			config: func(c *Config) {
				c.Ring = media.NewRing(media.RingConfig{Keep: time.Hour, MaxGOP: time.Minute, Log: discard()})
			},
			film: func(r *rig) int {
				r.camera.frame(true)
				for range 250 {
					r.camera.frame(false)
				}
				r.camera.frame(true)
				return 1
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				require.Equal(t, 201, all[0].tracks[1], "what is beyond is left out up to the next keyframe")
			},
		},
		"it has at most 50 MB": {
			config: func(c *Config) {
				c.Ring = media.NewRing(media.RingConfig{Keep: time.Hour, MaxBytes: 1 << 30, Log: discard()})
			},
			film: func(r *rig) int {
				r.camera.size = 9_000_000
				r.camera.gops(1)
				return 1
			},
			check: func(t *testing.T, _ *rig, all []*received) {
				require.Equal(t, 5, all[0].tracks[1])
				require.LessOrEqual(t, all[0].size, 50_000_000)
			},
		},
		"at most five begin in a second": {
			config: func(c *Config) { c.Timing.Pace = 100 * time.Millisecond },
			film: func(r *rig) int {
				r.camera.origin = time.Now() // of the test
				r.camera.gops(16)
				return 16
			},
			check: func(t *testing.T, r *rig, _ []*received) {
				require.Greater(t, time.Since(r.camera.origin), 300*time.Millisecond)
			},
		},
		"there are at most three tracks": {
			film: func(r *rig) int { r.hear(); r.camera.gops(1); return 1 },
			check: func(t *testing.T, _ *rig, all []*received) {
				require.LessOrEqual(t, len(all[0].header.tracks), 3)
			},
		},
		"there is one connection to a stream": {
			config: func(c *Config) { c.Timing.Connection = time.Nanosecond },
			film:   func(r *rig) int { r.camera.gops(4); return 4 },
			check: func(t *testing.T, r *rig, _ []*received) { // who objects is the service
				connections, _ := r.service.count()
				require.Greater(t, connections, 3)
			},
		},
		"there is one segment in a connection": {
			film: func(r *rig) int { r.camera.gops(3); return 3 },
			check: func(t *testing.T, r *rig, _ []*received) {
				require.Equal(t, 1, strings.Count(r.service.bodies[0].String(), "\x18\x53\x80\x67"))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, row.config)
			r.service.keep = true
			e := r.camera.always()
			e.From = e.From.Add(-2 * time.Hour) // whatever the clock does
			require.NoError(t, r.Begin(e))
			n := row.film(r)
			r.start()
			r.until("all", func(s Stats) bool { return s.Persisted >= int64(n) })
			r.service.clean()
			row.check(t, r, r.service.list()[:n])
		})
	}
}

// hear gives the camera a microphone.
func (r *rig) hear() {
	sound, err := media.NewAACStream([]byte{0x14, 0x08})
	require.NoError(r.t, err)
	r.camera.sound = sound
	r.camera.frame(false) // heard before the first keyframe
}
