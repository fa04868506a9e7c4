package matroska

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

// mux writes a clip through a ring, one GOP a cluster, with tags and an end
// after each.
func mux(t testing.TB, clip *mediatest.Clip, tags ...Tag) (data []byte, gops []*media.GOP) {
	t.Helper()
	const day = 20_000 * 24 * time.Hour
	ring := media.NewRing(media.RingConfig{Keep: time.Hour, Log: discard()})
	for _, p := range clip.Packets {
		later := *p
		later.Time = p.Time.Add(day)
		ring.Put(&later)
	}
	for g, ok := ring.After(0); ok; g, ok = ring.After(g.Number) {
		if len(gops) == 0 {
			var err error
			data, err = AppendHeader(nil, Header{SegmentUID: [16]byte{1, 2, 3}, Title: "door", App: "Porchlight", Video: g.Video, Audio: g.Audio})
			require.NoError(t, err)
		}
		gops = append(gops, g)
		data = AppendCluster(data, g.Start)
		samples, _ := g.Samples(0)
		for _, s := range samples {
			var err error
			data, err = AppendBlock(data, g.Start, s)
			require.NoError(t, err)
		}
		data = AppendEndOfFragment(AppendTags(data, tags))
	}
	return data, gops
}

func x264(more ...string) []string {
	return append([]string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "10"}, more...)
}

func TestOthersReadIt(t *testing.T) {
	for name, args := range map[string][]string{
		"H.264":               append(mediatest.Scene("320x240", "10", "3", false), x264("-profile:v", "main")...),
		"H.264 High":          append(mediatest.Scene("320x240", "10", "3", false), "-c:v", "libx264", "-g", "10", "-bf", "0"),
		"H.264 with B-frames": append(mediatest.Scene("320x240", "10", "3", false), "-c:v", "libx264", "-g", "10", "-bf", "2", "-x264-params", "b-adapt=0:open-gop=0:scenecut=0"),
		"H.264 with AAC":      append(mediatest.Scene("320x240", "10", "3", true), x264()...),
		"H.265":               append(mediatest.Scene("320x240", "10", "3", false), "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=10:min-keyint=10:open-gop=0:bframes=0"),
	} {
		t.Run(name, func(t *testing.T) {
			clip := mediatest.Encode(t, args...)
			data, gops := mux(t, clip, Tag{TagImages, ""}, Tag{"porchlight_events", "01J"})
			require.Len(t, gops, 3)
			require.Equal(t, 30, mediatest.Decode(t, data))
			t.Run("validators", func(t *testing.T) { mediatest.Validate(t, data) })

			said := mediatest.Probe(t, data, "-show_entries", "stream=codec_name,width,height,profile:format=format_name,probe_score")
			codec := map[bool]string{true: "hevc", false: "h264"}[strings.HasPrefix(name, "H.265")]
			require.Contains(t, said, "codec_name="+codec)
			require.Contains(t, said, "width=320\nheight=240")
			require.Equal(t, strings.Contains(name, "AAC"), strings.Contains(said, "codec_name=aac"))

			file := mediatest.Read(t, data)
			require.Equal(t, "matroska", file.Header.DocType)
			require.EqualValues(t, 1_000_000, file.Segment.Info.TimecodeScale)
			require.Len(t, file.Segment.Cluster, 3)
			blocks := 0
			for i, cluster := range file.Segment.Cluster {
				require.EqualValues(t, gops[i].Start, cluster.Timecode)
				samples, _ := gops[i].Samples(0)
				require.Len(t, cluster.SimpleBlock, len(samples))
				for n, block := range cluster.SimpleBlock {
					require.EqualValues(t, samples[n].At-gops[i].Start, block.Timecode)
					require.Equal(t, samples[n].AppendSample(nil), block.Data[0])
					require.Equal(t, samples[n].Key || block.TrackNumber == AudioTrack, block.Keyframe)
					blocks++
				}
			}
			require.Len(t, clip.Packets, blocks+map[bool]int{true: leadIn(clip)}[strings.Contains(name, "AAC")])
			require.Len(t, file.Segment.Tags, 6, "tags and an end for each")
			require.Equal(t, TagImages, file.Segment.Tags[0].Tag[0].SimpleTag[0].TagName)
			require.Equal(t, "01J", file.Segment.Tags[2].Tag[0].SimpleTag[1].TagString)
			require.Equal(t, tagEnd, file.Segment.Tags[5].Tag[0].SimpleTag[0].TagName)
		})
	}
}

// leadIn counts the audio before the first picture, which has no GOP.
func leadIn(clip *mediatest.Clip) (n int) {
	for _, p := range clip.Packets {
		if p.Key {
			break
		}
		n++
	}
	return n
}

func TestLayout(t *testing.T) {
	clip := mediatest.Encode(t, append(mediatest.Scene("64x64", "10", "1", false), x264()...)...)
	data, gops := mux(t, clip)
	require.True(t, bytes.HasPrefix(data, []byte{0x1A, 0x45, 0xDF, 0xA3}))
	require.Equal(t, 1, bytes.Count(data, []byte{0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), "one segment of unknown size")
	require.Equal(t, len(gops), bytes.Count(data, []byte{0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}))
}

func TestBlocksTooFarApart(t *testing.T) {
	s := media.Sample{Packet: &media.Packet{Stream: &media.Stream{Codec: media.H264}, AU: [][]byte{{0x65, 1}}}, At: 1000 + Longest}
	data, err := AppendBlock(nil, 1000, s)
	require.NoError(t, err)
	require.Equal(t, []byte{0x7f, 0xff}, data[10:12])
	for _, start := range []int64{999, 1001 + Longest} {
		data, err = AppendBlock([]byte("x"), start, s)
		require.ErrorIs(t, err, ErrTrack)
		require.Equal(t, "x", string(data))
	}
}

func TestTracksThatCannotBe(t *testing.T) {
	for name, h := range map[string]Header{
		"no video":         {},
		"sound as video":   {Video: &media.Stream{Codec: media.AAC}},
		"no parameters":    {Video: &media.Stream{Codec: media.H264}},
		"an unknown codec": {Video: &media.Stream{Codec: "vp8"}},
	} {
		_, err := AppendHeader(nil, h)
		require.ErrorIs(t, err, ErrTrack, name)
	}
}

func TestTags(t *testing.T) {
	require.NoError(t, CheckTags(nil))
	require.NoError(t, CheckTags([]Tag{{TagImages, ""}, {TagNotify, ""}, {TagImagePrefix, "x"}, {strings.Repeat("n", 128), strings.Repeat("v", 256)}}))
	for name, tags := range map[string][]Tag{
		"eleven":       make([]Tag, 11),
		"no name":      {{"", "x"}},
		"long name":    {{strings.Repeat("n", 129), ""}},
		"long value":   {{"n", strings.Repeat("v", 257)}},
		"AWS's":        {{"AWS_SOMETHING", ""}},
		"no UTF-8":     {{"n", "\xff"}},
		"end of fragm": {{tagEnd, ""}},
	} {
		require.ErrorIs(t, CheckTags(tags), ErrTag, name)
	}
	require.Empty(t, AppendTags(nil, nil))
}

func TestNoAllocation(t *testing.T) {
	p := &media.Packet{Stream: &media.Stream{Codec: media.H264}, AU: [][]byte{make([]byte, 16<<10)}}
	p.AU[0][0] = 0x41
	buf := make([]byte, 0, 64<<10)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		buf = AppendCluster(buf[:0], 1)
		buf, _ = AppendBlock(buf, 1, media.Sample{Packet: p, At: 5})
		buf = AppendEndOfFragment(buf)
	}))
}

// BenchmarkSecond writes a second of 1080p30 at 4 Mbit/s.
func BenchmarkSecond(b *testing.B) {
	p := &media.Packet{Stream: &media.Stream{Codec: media.H264}, AU: [][]byte{make([]byte, 4_000_000/8/30)}}
	p.AU[0][0] = 0x41
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		for n := range 30 {
			if n == 0 {
				buf = AppendCluster(buf[:0], 0)
			}
			buf, _ = AppendBlock(buf, 0, media.Sample{Packet: p, At: int64(n) * 33})
		}
	}
	b.SetBytes(int64(len(buf)))
}
