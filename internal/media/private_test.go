package media_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
	"porchlight/internal/media/mediatest"
)

// TestCodecPrivate compares with what ffmpeg writes for the same stream.
func TestCodecPrivate(t *testing.T) {
	for name, args := range map[string][]string{
		"baseline": {"-c:v", "libx264", "-profile:v", "baseline"},
		"main":     {"-c:v", "libx264", "-profile:v", "main"},
		"high":     {"-c:v", "libx264", "-profile:v", "high"},
		"10 bit":   {"-c:v", "libx264", "-pix_fmt", "yuv420p10le"},
		"4:4:4":    {"-c:v", "libx264", "-pix_fmt", "yuv444p"},
	} {
		t.Run(name, func(t *testing.T) {
			clip := mediatest.Encode(t, append(mediatest.Scene("160x120", "5", "1", true), args...)...)
			got, err := clip.Packets[firstKey(clip)].Stream.CodecPrivate()
			require.NoError(t, err)
			require.Equal(t, clip.Private[1], got)
			for _, p := range clip.Packets {
				if p.Stream.Audio() {
					got, err := p.Stream.CodecPrivate()
					require.NoError(t, err)
					require.Equal(t, clip.Private[2], got)
					require.Equal(t, 16000, p.Stream.SampleRate)
					require.Equal(t, 1, p.Stream.Channels)
				}
			}
		})
	}
}

func TestCodecPrivateH265(t *testing.T) {
	clip := h265Clip(t)
	s := clip.Packets[0].Stream
	require.Equal(t, [2]int{160, 120}, [2]int{s.Width, s.Height})
	got, err := s.CodecPrivate()
	require.NoError(t, err)
	theirs := clip.Private[1]
	// Byte 13 to 21 hold what a muxer may know or not: segmentation,
	// parallelism, frame rate. Profile, level, format and sets are facts.
	require.Equal(t, theirs[:13], got[:13])
	require.Equal(t, theirs[16:19], got[16:19])
	require.Equal(t, byte(3), got[21]&3)
	for _, set := range [][]byte{s.VPS, s.SPS, s.PPS} {
		require.True(t, bytes.Contains(got, set) && bytes.Contains(theirs, set))
	}
}

func h265Clip(t *testing.T) *mediatest.Clip {
	return mediatest.Encode(t, append(mediatest.Scene("160x120", "5", "2", false), "-c:v", "libx265",
		"-x265-params", "log-level=none:keyint=5:min-keyint=5:bframes=0:open-gop=0")...)
}

func firstKey(clip *mediatest.Clip) int {
	for i, p := range clip.Packets {
		if p.Key {
			return i
		}
	}
	return 0
}

func TestH265Packetizer(t *testing.T) {
	at := time.Now()
	vps, sps, pps := []byte{0x40, 1, 1}, []byte{0x42, 1, 2}, []byte{0x44, 1, 3}
	idr, trail, sei, aud := []byte{0x26, 1, 4}, []byte{0x02, 1, 5}, []byte{0x4e, 1, 6}, []byte{0x46, 1, 7}
	h := media.NewH265Packetizer(nil, nil, nil)
	_, err := h.Packet([][]byte{trail}, 0, at)
	require.ErrorIs(t, err, media.ErrNoParameters)
	_, err = h.Packet([][]byte{vps, sps, pps, sei, {}, {0x26}}, 0, at)
	require.ErrorIs(t, err, media.ErrNoPicture)
	_, err = h.Packet([][]byte{trail}, 0, at)
	require.ErrorIs(t, err, media.ErrNoParameters, "no keyframe yet")
	key, err := h.Packet([][]byte{aud, sei, idr}, time.Second, at)
	require.NoError(t, err)
	require.True(t, key.Key)
	require.Equal(t, [][]byte{vps, sps, pps, sei, idr}, key.AU)
	require.Equal(t, media.H265, key.Stream.Codec)
	require.Equal(t, []byte{0, 0, 0, 3, 0x4e, 1, 6, 0, 0, 0, 3, 0x26, 1, 4}, key.AppendSample(nil))
	require.Equal(t, 14, key.SampleSize())
	next, err := h.Packet([][]byte{trail}, 2*time.Second, at)
	require.NoError(t, err)
	require.False(t, next.Key)
	require.Same(t, key.Stream, next.Stream)
	changed, err := h.Packet([][]byte{{0x42, 1, 9}, idr}, 3*time.Second, at)
	require.NoError(t, err)
	require.False(t, changed.Stream.Same(key.Stream))
	_, err = h.Packet([][]byte{make([]byte, media.MaxAccessUnit+1)}, 0, at)
	require.ErrorIs(t, err, media.ErrTooLarge)
	_, err = key.Stream.CodecPrivate()
	require.ErrorIs(t, err, media.ErrParameters)
}

func TestAudio(t *testing.T) {
	s, err := media.NewAACStream([]byte{0x11, 0x90}) // 48 kHz stereo
	require.NoError(t, err)
	require.Equal(t, [2]int{48000, 2}, [2]int{s.SampleRate, s.Channels})
	require.NotEmpty(t, s.Silence())
	p, err := media.AudioPacket(s, []byte{1, 2}, 0, time.Now())
	require.NoError(t, err)
	require.Equal(t, []byte{9, 1, 2}, p.AppendSample([]byte{9}))
	for _, frame := range [][]byte{nil, make([]byte, 9<<10)} {
		_, err = media.AudioPacket(s, frame, 0, time.Now())
		require.ErrorIs(t, err, media.ErrAudio)
	}
	for _, config := range [][]byte{nil, {0xff}, {0x11, 0x80}} {
		_, err := media.NewAACStream(config)
		require.ErrorIs(t, err, media.ErrAudio, "%x", config)
	}
	require.Empty(t, media.CarriedAudio("MPEG4-GENERIC"))
	for _, codec := range []string{"PCMU", "opus", "G726-32"} {
		require.Contains(t, media.CarriedAudio(codec), "choose AAC")
	}
}

// TestSilenceIsAAC has ffmpeg decode the frames.
func TestSilenceIsAAC(t *testing.T) {
	for channels, config := range map[int][]byte{1: {0x14, 0x08}, 2: {0x11, 0x90}} {
		s, err := media.NewAACStream(config)
		require.NoError(t, err)
		frame := s.Silence()
		var adts []byte
		for range 3 {
			n := len(frame) + 7
			adts = append(adts, 0xff, 0xf1, 0x40|config[0]<<7>>2&0x3c|(config[0]&7<<1|config[1]>>7)<<2, byte(channels<<6), byte(n>>3), byte(n<<5)|0x1f, 0xfc)
			adts = append(adts, frame...)
		}
		require.Contains(t, mediatest.Probe(t, adts, "-v", "error", "-show_entries", "frame=nb_samples"), "nb_samples=1024\nnb_samples=1024")
	}
}

func TestDecodingTimes(t *testing.T) {
	clip := mediatest.Encode(t, append(mediatest.Scene("160x120", "10", "3", false), "-c:v", "libx264", "-bf", "2", "-g", "10", "-x264-params", "b-adapt=0")...)
	require.True(t, clip.Packets[0].Stream.Reorders())
	var d media.Decoding
	last, early := time.Duration(-1), 0
	for _, p := range clip.Packets {
		dts := d.Time(p)
		require.Greater(t, dts, last)
		if dts < p.PTS {
			early++
		}
		last = dts
	}
	require.NotZero(t, early, "decoded before it is shown")

	plain := mediatest.Encode(t, append(mediatest.Scene("160x120", "10", "1", false), "-c:v", "libx264", "-bf", "0")...)
	require.False(t, plain.Packets[0].Stream.Reorders())
	for _, p := range plain.Packets {
		require.InDelta(t, p.PTS.Seconds(), d.Time(p).Seconds(), 0.0001)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add([]byte{1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x0d, 1, 0, 1, 0x68})
	f.Add([]byte{0x67, 0x64, 0, 0x0a, 0xac})
	f.Add([]byte{0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x1e, 0xa0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if sps, pps, err := media.ParseAVCC(data); err == nil {
			s := &media.Stream{Codec: media.H264, SPS: sps, PPS: pps}
			_ = s.Reorders()
			if record, err := s.CodecPrivate(); err == nil {
				again, pps2, err := media.ParseAVCC(record)
				require.NoError(t, err)
				require.Equal(t, sps, again)
				require.Equal(t, pps, pps2)
			}
		}
		for _, codec := range []media.Codec{media.H264, media.H265} {
			s := &media.Stream{Codec: codec, VPS: data, SPS: data, PPS: data}
			_, _ = s.CodecPrivate()
			_ = s.Reorders()
		}
		if s, err := media.NewAACStream(data); err == nil {
			require.Positive(t, s.SampleRate)
			_ = s.Silence()
		}
		var au h264.AnnexB
		if au.Unmarshal(data) != nil {
			return
		}
		h := media.NewH265Packetizer(nil, nil, nil)
		if p, err := h.Packet(au, 0, time.Time{}); err == nil {
			require.Len(t, p.AppendSample(nil), p.SampleSize())
			var d media.Decoding
			_ = d.Time(p)
		}
	})
}
