package segment

import (
	"fmt"
	"os"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"porchlight/internal/media"
)

// Writer writes one file. It is not safe for concurrent use.
type Writer struct {
	file         *os.File
	index        Index
	sequence     uint32
	origin       int64 // of the file's timeline, milliseconds since 1970
	video, audio timeline
	buf          seekablebuffer.Buffer
	payload      []byte
	header       []byte // still to be written
}

// Create begins a file, which must not exist, for a video stream and, unless
// nil, an audio stream. It fails with ErrStream or the system's error. The
// file holds nothing before the first Append.
func Create(path string, video, audio *media.Stream) (*Writer, error) {
	w := &Writer{index: Index{Video: video, Audio: audio}}
	var err error
	if w.header, err = header(video, audio); err != nil {
		return nil, err
	}
	w.video.usual = media.H264ClockRate / 25
	if audio != nil {
		w.audio.usual = 1024 // an AAC frame (ISO/IEC 14496-3, 4.5.1.1)
	}
	w.file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func header(video, audio *media.Stream) ([]byte, error) {
	init := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: videoTrack, TimeScale: media.H264ClockRate}}}
	switch {
	case video == nil:
		return nil, fmt.Errorf("%w: there is no video", ErrStream)
	case video.Codec == media.H264:
		init.Tracks[0].Codec = &codecs.H264{SPS: video.SPS, PPS: video.PPS}
	case video.Codec == media.H265:
		init.Tracks[0].Codec = &codecs.H265{VPS: video.VPS, SPS: video.SPS, PPS: video.PPS}
	default:
		return nil, fmt.Errorf("%w: video in %q", ErrStream, video.Codec)
	}
	if audio != nil {
		var config mpeg4audio.AudioSpecificConfig
		if err := config.Unmarshal(audio.Config); err != nil || audio.Codec != media.AAC || audio.SampleRate < 1000 {
			return nil, fmt.Errorf("%w: audio in %q at %d Hz: %w", ErrStream, audio.Codec, audio.SampleRate, err)
		}
		init.Tracks = append(init.Tracks, &fmp4.InitTrack{
			ID: audioTrack, TimeScale: uint32(audio.SampleRate), Codec: &codecs.MPEG4Audio{Config: config},
		})
	}
	var buf seekablebuffer.Buffer
	if err := init.Marshal(&buf); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStream, err)
	}
	return buf.Bytes(), nil
}

// Append writes one fragment, which is on disk after the next Sync. The
// samples are of the file's streams and follow those of the Append before. The
// first of a GOP is its keyframe; begin says that it is the first of this one.
// next is the video sample that will come after them, nil when that is not
// known. After a failure the file is as it was before, as far as the system
// lets it.
func (w *Writer) Append(samples []media.Sample, begin bool, next *media.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	part, at := w.build(samples, next)
	if len(part.Tracks) == 0 || part.Tracks[0].ID != videoTrack {
		return nil // sound alone; its pictures are in the fragment before
	}
	w.buf.Reset()
	_, _ = w.buf.Seek(0, 0) // never fails, nor does writing
	_, _ = w.buf.Write(w.header)
	start := int64(w.buf.Len())
	first := part.Tracks[0]
	shown := int64(first.BaseTime) + int64(first.Samples[0].PTSOffset)
	_, _ = w.buf.Write(prft(at, uint64(shown)))
	if err := part.Marshal(&w.buf); err != nil {
		return fmt.Errorf("fragment: %w", err)
	}
	if err := w.put(w.buf.Bytes()); err != nil {
		return err
	}
	w.note(samples, begin, start, int64(w.buf.Len())-start)
	w.sequence++
	w.header = nil
	return nil
}

// put writes behind the last whole fragment.
func (w *Writer) put(data []byte) error {
	_, err := w.file.WriteAt(data, w.index.Size)
	if err != nil {
		_ = w.file.Truncate(w.index.Size) // what stays is cut when the file is read
	}
	return err
}

// Sync returns once all fragments are on disk.
func (w *Writer) Sync() error { return w.file.Sync() }

// note takes a fragment into the index.
func (w *Writer) note(samples []media.Sample, begin bool, skip, size int64) {
	if begin || len(w.index.GOPs) == 0 {
		at := samples[0].At
		w.index.GOPs = append(w.index.GOPs, GOP{Start: at, End: at, Offset: w.index.Size + skip})
	}
	g := &w.index.GOPs[len(w.index.GOPs)-1]
	g.Size += size
	for _, s := range samples {
		g.End = max(g.End, s.At)
	}
	w.index.Size += skip + size
}

// Index is what the file holds now.
func (w *Writer) Index() Index {
	index := w.index
	index.GOPs = slices.Clone(index.GOPs)
	return index
}

// Size is the bytes written.
func (w *Writer) Size() int64 { return w.index.Size }

// Close closes the file. What was not synced may be lost in a power cut.
func (w *Writer) Close() error { return w.file.Close() }
