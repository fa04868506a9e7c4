// Package matroska writes live Matroska (RFC 9559) as PutMedia of Amazon
// Kinesis Video Streams takes it: one segment of unknown size, one cluster for
// each fragment, with absolute times in milliseconds and tags after the
// cluster they are about
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/how-data.html,
// https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html).
//
// The functions append to a buffer of the caller's, so that a buffer used over
// and over costs no allocation.
package matroska

import (
	"errors"
	"fmt"
	"math"

	"porchlight/internal/media"
)

// Why something cannot be written.
var (
	ErrTrack = errors.New("track cannot be carried in Matroska")
	ErrTag   = errors.New("fragment tag is not allowed")
)

// The tracks' numbers. Players of Kinesis Video Streams want them so.
const (
	VideoTrack = 1
	AudioTrack = 2
)

// Longest is how far from the start of its cluster a block may be, in
// milliseconds: times of blocks are 16 bits, signed.
const Longest = math.MaxInt16

// Header is what a stream begins with.
type Header struct {
	SegmentUID   [16]byte
	Title        string // of the stream
	App          string // that writes
	Video, Audio *media.Stream
}

// AppendHeader appends all that comes before the first cluster. Audio may be
// nil. It fails with ErrTrack.
func AppendHeader(dst []byte, h Header) ([]byte, error) {
	dst, mark := open(dst, idEBML)
	dst = appendUint(dst, idEBMLVersion, 1)
	dst = appendUint(dst, idEBMLReadVersion, 1)
	dst = appendUint(dst, idEBMLMaxIDLength, 4)
	dst = appendUint(dst, idEBMLMaxSizeLength, 8)
	dst = appendString(dst, idDocType, "matroska")
	dst = appendUint(dst, idDocTypeVersion, 2)
	dst = appendUint(dst, idDocTypeReadVersion, 2)
	dst = shut(dst, mark)

	dst = appendSize(appendID(dst, idSegment), unknownSize)
	dst, mark = open(dst, idInfo)
	dst = appendBytes(dst, idSegmentUID, h.SegmentUID[:])
	dst = appendUint(dst, idTimecodeScale, 1e6)
	dst = appendString(dst, idTitle, h.Title)
	dst = appendString(dst, idMuxingApp, h.App)
	dst = appendString(dst, idWritingApp, h.App)
	dst = shut(dst, mark)

	dst, tracks := open(dst, idTracks)
	dst, err := appendTrack(dst, VideoTrack, h.Video)
	if err == nil && h.Audio != nil {
		dst, err = appendTrack(dst, AudioTrack, h.Audio)
	}
	if err != nil {
		return nil, err
	}
	return shut(dst, tracks), nil
}

func appendTrack(dst []byte, number uint64, s *media.Stream) ([]byte, error) {
	if s == nil || s.Audio() != (number == AudioTrack) {
		return nil, fmt.Errorf("%w: track %d has to be of the other kind", ErrTrack, number)
	}
	codec, ok := map[media.Codec]string{media.H264: "V_MPEG4/ISO/AVC", media.H265: "V_MPEGH/ISO/HEVC", media.AAC: "A_AAC"}[s.Codec]
	if !ok {
		return nil, fmt.Errorf("%w: codec %q", ErrTrack, s.Codec)
	}
	private, err := s.CodecPrivate()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrack, err)
	}
	kind, name := uint64(1), "video"
	if s.Audio() {
		kind, name = 2, "audio"
	}
	dst, entry := open(dst, idTrackEntry)
	dst = appendUint(dst, idTrackNumber, number)
	dst = appendUint(dst, idTrackUID, number)
	dst = appendUint(dst, idTrackType, kind)
	dst = appendUint(dst, idFlagLacing, 0)
	dst = appendString(dst, idTrackName, name)
	dst = appendString(dst, idCodecID, codec)
	if s.Audio() {
		var mark int
		dst, mark = open(dst, idAudio)
		dst = appendFloat(dst, idSamplingFrequency, float64(s.SampleRate))
		dst = shut(appendUint(dst, idChannels, uint64(s.Channels)), mark)
	} else {
		var mark int
		dst, mark = open(dst, idVideo)
		dst = appendUint(dst, idPixelWidth, uint64(max(s.Width, 16)))
		dst = shut(appendUint(dst, idPixelHeight, uint64(max(s.Height, 16))), mark)
	}
	return shut(appendBytes(dst, idCodecPrivate, private), entry), nil
}

// AppendCluster begins a cluster: a fragment, which lasts until the next
// cluster, AppendEndOfFragment or the end of the stream. timecode is its
// start in milliseconds since 1970.
func AppendCluster(dst []byte, timecode int64) []byte {
	dst = appendSize(appendID(dst, idCluster), unknownSize)
	dst = appendUint(dst, idTimecode, uint64(max(timecode, 0)))
	return appendUint(dst, idPosition, 0) // unknown, as the stream is live
}

// AppendBlock appends one packet to the cluster begun at timecode. It fails
// with ErrTrack when the packet is too far from the cluster's start.
//
// Its time is when it is shown; with B-frames times therefore go back within
// a cluster (RFC 9559, 11.2).
func AppendBlock(dst []byte, timecode int64, s media.Sample) ([]byte, error) {
	offset := s.At - timecode
	if offset < 0 || offset > Longest {
		return dst, fmt.Errorf("%w: a packet %d ms from its fragment's start", ErrTrack, offset)
	}
	track, flags := byte(VideoTrack), byte(0)
	if s.Stream.Audio() {
		track = AudioTrack
	}
	if s.Key || track == AudioTrack {
		flags = 0x80
	}
	dst = appendSize(appendID(dst, idSimpleBlock), uint64(4+s.SampleSize()))
	dst = append(dst, 0x80|track, byte(offset>>8), byte(offset), flags)
	return s.AppendSample(dst), nil
}
