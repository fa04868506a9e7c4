package segment

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

func TestRoundTrip(t *testing.T) {
	for name, args := range clips {
		clip := mediatest.Encode(t, args...)
		for _, fragments := range []int{1, 4} {
			t.Run(fmt.Sprint(name, " in ", fragments), func(t *testing.T) {
				t.Parallel()
				all := gops(t, clip.Packets)
				path, index := record(t, all, fragments)

				f, scanned, err := Open(path)
				require.NoError(t, err)
				defer f.Close()
				require.Equal(t, index.GOPs, scanned.GOPs, "the index is the same as before")
				require.Equal(t, index.Size, scanned.Size)
				require.Len(t, scanned.GOPs, len(all))
				pictures := 0
				for i, g := range scanned.GOPs {
					got, err := scanned.Read(f, g)
					require.NoError(t, err)
					same(t, all[i], got)
					end, _ := all[i].End()
					require.Equal(t, end, g.End)
					pictures += len(only(got, false))
				}
				data := read(t, path)
				require.Equal(t, pictures, mediatest.Decode(t, data), "ffmpeg decodes every picture without a word")
				rising(t, data)
				conforms(t, data, all[0].Audio != nil)
			})
		}
	}
}

// rising has ffprobe check that decoding times rise.
func rising(t *testing.T, data []byte) {
	for _, track := range []string{"v", "a"} {
		last := -1e9
		for _, line := range strings.Fields(mediatest.Probe(t, data, "-select_streams", track, "-show_entries", "packet=dts_time")) {
			var dts float64
			if n, _ := fmt.Sscanf(line, "dts_time=%f", &dts); n == 1 {
				require.Greater(t, dts, last)
				last = dts
			}
		}
	}
}

// conforms has mp4ff read a file.
func conforms(t *testing.T, data []byte, sound bool) {
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	require.NoError(t, err)
	require.True(t, f.IsFragmented())
	tracks := 1
	if sound {
		tracks = 2
	}
	require.Len(t, f.Init.Moov.Traks, tracks)
	var time *mp4.PrftBox
	for _, child := range f.Children {
		switch box := child.(type) {
		case *mp4.PrftBox:
			require.EqualValues(t, videoTrack, box.ReferenceTrackID)
			time = box
		case *mp4.MoofBox:
			require.NotNil(t, time, "each fragment says what time it was")
			shown := int64(box.Traf.Tfdt.BaseMediaDecodeTime()) + int64(box.Traf.Trun.Samples[0].CompositionTimeOffset)
			require.EqualValues(t, shown, time.MediaTime)
			time = nil
		}
	}
	for _, s := range f.Segments {
		for _, fragment := range s.Fragments {
			for _, trex := range f.Init.Moov.Mvex.Trexs {
				_, err := fragment.GetFullSamples(trex)
				require.NoError(t, err)
			}
		}
	}
}

// TestTimes: frame rates stay what they are, and no millisecond is another.
func TestTimes(t *testing.T) {
	all := gops(t, packets(t, 95))
	path, _ := record(t, all, 1)
	f, index, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	for i, g := range index.GOPs {
		got, err := index.Read(f, g)
		require.NoError(t, err)
		same(t, all[i], got)
		video, audio, err := index.Samples(f, g)
		require.NoError(t, err)
		for _, s := range video[:len(video)-1] {
			require.InDelta(t, 3000, s.Duration, 1)
		}
		for j := 1; j < len(audio); j++ {
			require.InDelta(t, 1024, audio[j].Time-audio[j-1].Time, 2)
		}
	}
}

func TestNTP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// From 1970 to 2100, beyond the end of NTP's first era.
		ticks := rapid.Int64Range(0, 130*365*86400*media.H264ClockRate).Draw(t, "ticks")
		require.Equal(t, ticks, fromNTP(toNTP(ticks)))
	})
}

func TestAudioTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		origin := rapid.Int64Range(0, 1<<42).Draw(t, "origin")
		s := media.Sample{At: origin + rapid.Int64Range(0, 1<<27).Draw(t, "at"), Packet: &media.Packet{}}
		s.PTS = media.Ticks(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "pts"), 44100)
		rate := rapid.SampledFrom([]int64{8000, 11025, 16000, 22050, 44100, 48000, 96000}).Draw(t, "rate")
		at := audioTicks(s, origin, rate)
		require.Equal(t, s.At-origin, at*1000/rate)
	})
}

func TestNotRecordable(t *testing.T) {
	path := t.TempDir() + "/x"
	for _, s := range []*media.Stream{nil, {Codec: "mjpeg"}, {Codec: media.H264, SPS: []byte{0x67, 1}, PPS: pps}, {Codec: media.H265}} {
		_, err := Create(path, s, nil)
		require.ErrorIs(t, err, ErrStream)
	}
	video := gops(t, packets(t, 1))[0].Video
	_, err := Create(path, video, &media.Stream{Codec: media.AAC, SampleRate: 8000})
	require.ErrorIs(t, err, ErrStream)
	require.NoFileExists(t, path)
	w, err := Create(path, video, nil)
	require.NoError(t, err)
	require.NoError(t, w.Append(nil, true, nil))
	require.NoError(t, w.Close())
	_, err = Create(path, video, nil)
	require.ErrorIs(t, err, os.ErrExist)
	_, err = Repair(path)
	require.ErrorIs(t, err, ErrDamaged)
}
