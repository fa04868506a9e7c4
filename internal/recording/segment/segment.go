// Package segment is one file of recorded video: fragmented MP4 (ISO/IEC
// 14496-12, 8.8) that plays as it is and that holds its wall-clock time.
//
// After the header come fragments of at most one GOP each. A fragment is three
// boxes: prft, which says what time it was (8.16.5), moof and mdat. A GOP that
// takes long to complete is written as several fragments, of which only the
// first begins with a keyframe. What is behind the last whole fragment, as a
// crash leaves it, does not count.
package segment

import (
	"errors"

	"porchlight/internal/media"
)

// Errors of this package.
var (
	// ErrStream is wrapped when a file cannot describe the video or audio.
	ErrStream = errors.New("stream cannot be recorded")
	// ErrDamaged is wrapped when a file is not what this package writes.
	ErrDamaged = errors.New("recording is damaged")
)

// The tracks of a file.
const (
	videoTrack = 1
	audioTrack = 2
)

// Limits of what is read back. They are far above what is written.
const (
	maxHeader   = 256 << 10 // bytes of ftyp and moov
	maxMoof     = 4 << 20   // bytes
	maxGOP      = 64 << 20  // bytes
	maxPerTrack = 1 << 16   // samples of a fragment
)

// ticksPerMilli is the clock of video tracks: 90 kHz, in which common frame
// rates are whole numbers.
const ticksPerMilli = media.H264ClockRate / 1000

// GOP is where a GOP lies in a file.
type GOP struct {
	Start, End int64 // of the keyframe and of the latest packet, milliseconds since 1970
	Offset     int64
	Size       int64
}

// Index is what a file holds, up to its last whole fragment.
type Index struct {
	Video, Audio *media.Stream // Audio is nil when there is none
	GOPs         []GOP         // in the order of recording, which is that of time
	Size         int64         // bytes up to the end of the last whole fragment
}
