package media

import (
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Parameter sets of 320x240 baseline video.
var (
	sps320 = []byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x05, 0x03, 0xc5, 0x0a, 0xa8}
	pps    = []byte{0x68, 0xce, 0x0f, 0xc8}
	idr    = []byte{0x65, 0x88, 0x84, 0x01}
	slice  = []byte{0x41, 0x9a, 0x02}
	sei    = []byte{0x06, 0x05, 0x01, 0x00}
	aud    = []byte{0x09, 0xf0}
)

func TestPacketizer(t *testing.T) {
	at := time.Now()
	h := NewH264Packetizer(nil, nil)

	_, err := h.Packet([][]byte{slice}, 0, at)
	require.ErrorIs(t, err, ErrNoParameters)
	_, err = h.Packet([][]byte{sps320, pps}, 0, at)
	require.ErrorIs(t, err, ErrNoPicture, "parameter sets in an access unit of their own")
	_, err = h.Packet([][]byte{slice}, 0, at)
	require.ErrorIs(t, err, ErrNoParameters, "no keyframe yet")

	// An IDR without parameter sets, after delimiter and SEI and an empty unit.
	key, err := h.Packet([][]byte{aud, sei, {}, idr}, time.Second, at)
	require.NoError(t, err)
	require.True(t, key.Key)
	require.Equal(t, [][]byte{sps320, pps, sei, idr}, key.AU)
	require.Equal(t, time.Second, key.PTS)
	require.Equal(t, at, key.Time)
	var independent h264.SPS
	require.NoError(t, independent.Unmarshal(sps320))
	require.Equal(t, &Stream{Codec: H264, SPS: sps320, PPS: pps, Width: 320, Height: 240, ClockRate: 90000}, key.Stream)
	require.True(t, h264.IsRandomAccess(key.AU))

	_, err = h.Packet([][]byte{sei}, 0, at)
	require.ErrorIs(t, err, ErrNoPicture)
	next, err := h.Packet([][]byte{slice}, 2*time.Second, at)
	require.NoError(t, err)
	require.False(t, next.Key)
	require.Same(t, key.Stream, next.Stream)

	again, err := h.Packet([][]byte{sps320, pps, idr}, 3*time.Second, at)
	require.NoError(t, err)
	require.Same(t, key.Stream, again.Stream, "repeated parameter sets are the same stream")
	require.Len(t, again.AU, 3)

	other := append([]byte{}, pps...)
	other[3] ^= 0x40
	changed, err := h.Packet([][]byte{sps320, other, idr}, 4*time.Second, at)
	require.NoError(t, err)
	require.NotSame(t, key.Stream, changed.Stream)
	require.Equal(t, other, changed.Stream.PPS)
}

func TestPacketizerLimits(t *testing.T) {
	h := NewH264Packetizer(sps320, pps)
	large := append([]byte{}, idr...)
	large = append(large, make([]byte, MaxAccessUnit-len(large))...)
	_, err := h.Packet([][]byte{large}, 0, time.Now())
	require.NoError(t, err)
	_, err = h.Packet([][]byte{large, slice}, 0, time.Now())
	require.ErrorIs(t, err, ErrTooLarge)

	// An SPS beyond understanding costs only the size.
	p, err := NewH264Packetizer([]byte{0x67, 1}, pps).Packet([][]byte{idr}, 0, time.Now())
	require.NoError(t, err)
	require.Zero(t, p.Stream.Width)
}

func TestAnnexB(t *testing.T) {
	au := [][]byte{sps320, pps, idr}
	var back h264.AnnexB
	require.NoError(t, back.Unmarshal(AnnexB(au)))
	require.Equal(t, h264.AnnexB(au), back)
}

func TestDisposable(t *testing.T) {
	for _, nal := range [][]byte{idr, slice} {
		require.True(t, codedSlice(nal))
		require.False(t, (&Packet{AU: [][]byte{sei, nal}}).Disposable())
	}
	for _, nal := range [][]byte{nil, sps320, pps, sei, aud, {12, 0xff}} {
		require.False(t, codedSlice(nal))
	}
	require.True(t, (&Packet{AU: [][]byte{sei, {0x01, 0x9a}}}).Disposable(), "nal_ref_idc 0")
	require.False(t, (&Packet{AU: [][]byte{{0x01, 0x9a}, slice}}).Disposable())
}

func FuzzPacketizer(f *testing.F) {
	f.Add(AnnexB([][]byte{sps320, pps, idr}))
	f.Add(AnnexB([][]byte{sps320}))
	f.Add(AnnexB([][]byte{{0x67}, {0x68}, {0x65}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var au h264.AnnexB
		if au.Unmarshal(data) != nil {
			return
		}
		h := NewH264Packetizer(nil, nil)
		for _, nals := range [][][]byte{au, {idr}, au} {
			p, err := h.Packet(nals, 0, time.Time{})
			if err != nil {
				continue
			}
			require.NotNil(t, p.Stream)
			require.NotEmpty(t, p.AU)
			if p.Key {
				require.True(t, h264.IsRandomAccess(p.AU))
				require.Equal(t, p.Stream.SPS, p.AU[0])
			}
		}
	})
}

func TestTicks(t *testing.T) {
	for n, want := range map[int64]time.Duration{
		0: 0, 1: 11111, 90000: time.Second, 135000: 1500 * time.Millisecond, -45000: -time.Second / 2,
		90000 * 86400 * 365: 365 * 24 * time.Hour, 90000*86400*365 + 3: 365*24*time.Hour + 33333,
	} {
		require.Equal(t, want, Ticks(n, H264ClockRate), "%d", n)
	}
}

// TestPictureSize counts what is spent on pictures, in both codecs.
func TestPictureSize(t *testing.T) {
	sei, filler := []byte{0x06, 1, 2}, []byte{0x0c, 0xff}
	require.Equal(t, 3+2, (&Packet{Stream: &Stream{Codec: H264}, AU: [][]byte{sei, {0x65, 1, 2}, filler, {0x41, 1}, {}}}).PictureSize())
	prefix, filler265 := []byte{0x4e, 1, 5}, []byte{0x4c, 1, 0xff}
	p := &Packet{Stream: &Stream{Codec: H265}, AU: [][]byte{prefix, {0x26, 1, 2, 3}, filler265, {0x02}, {}}}
	require.Equal(t, 4, p.PictureSize())
	require.False(t, p.Disposable(), "nothing is known of layers of time")
}
