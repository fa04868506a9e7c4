package playback

import (
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"porchlight/internal/localcloud/kvs/mkv"
)

// FuzzTrack holds that what a producer says of its codec, and sends as frames,
// never stops the service.
func FuzzTrack(f *testing.F) {
	f.Add("V_MPEG4/ISO/AVC", []byte{1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x0d, 1, 0, 2, 0x68, 0xce}, []byte{0, 0, 0, 1, 0x65})
	f.Add("A_AAC", []byte{0x14, 0x08}, []byte{1})
	f.Add("A_AAC", []byte{0x2b, 0x92, 0x08, 0x00}, []byte{1})
	f.Add("V_MPEGH/ISO/HEVC", append(make([]byte, 22), 0), []byte{})
	f.Add("A_MS/ACM", []byte{7}, []byte{})
	f.Fuzz(func(t *testing.T, codec string, private, frame []byte) {
		kind := uint64(mkv.Video)
		if codec == "A_AAC" {
			kind = mkv.Audio
		}
		track, err := newTrack(mkv.Track{Number: 1, Type: kind, CodecID: codec, CodecPrivate: private})
		if err != nil {
			return
		}
		var buf seekablebuffer.Buffer
		_ = fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: track.timescale, Codec: track.codec}}}.Marshal(&buf)
		part, err := newSamples(track, []mkv.Block{{Track: 1, Key: true, Data: frame}, {Track: 1, Timecode: -20, Data: frame}}, 100, time.Second)
		if err != nil {
			return
		}
		frames, _ := tsFrames(track, part)
		if len(frames) != 2 || part.base < 0 {
			t.Fatalf("%d frames from %d", len(frames), part.base)
		}
	})
}
