package matroska

import (
	"encoding/binary"
	"math"
)

// Element identifiers (RFC 8794, section 11 and RFC 9559, section 5).
const (
	idEBML               = 0x1A45DFA3
	idEBMLVersion        = 0x4286
	idEBMLReadVersion    = 0x42F7
	idEBMLMaxIDLength    = 0x42F2
	idEBMLMaxSizeLength  = 0x42F3
	idDocType            = 0x4282
	idDocTypeVersion     = 0x4287
	idDocTypeReadVersion = 0x4285

	idSegment       = 0x18538067
	idInfo          = 0x1549A966
	idSegmentUID    = 0x73A4
	idTimecodeScale = 0x2AD7B1
	idTitle         = 0x7BA9
	idMuxingApp     = 0x4D80
	idWritingApp    = 0x5741

	idTracks            = 0x1654AE6B
	idTrackEntry        = 0xAE
	idTrackNumber       = 0xD7
	idTrackUID          = 0x73C5
	idTrackType         = 0x83
	idFlagLacing        = 0x9C
	idTrackName         = 0x536E
	idCodecID           = 0x86
	idCodecPrivate      = 0x63A2
	idVideo             = 0xE0
	idPixelWidth        = 0xB0
	idPixelHeight       = 0xBA
	idAudio             = 0xE1
	idSamplingFrequency = 0xB5
	idChannels          = 0x9F

	idTags      = 0x1254C367
	idTag       = 0x7373
	idSimpleTag = 0x67C8
	idTagName   = 0x45A3
	idTagString = 0x4487

	idCluster     = 0x1F43B675
	idTimecode    = 0xE7
	idPosition    = 0xA7
	idSimpleBlock = 0xA3
)

// unknownSize is the size of an element that goes on until a sibling or the
// end (RFC 8794, 6.2), in eight bytes.
const unknownSize = 1<<56 - 1

func appendID(dst []byte, id uint32) []byte {
	switch {
	case id > 0xFFFFFF:
		return append(dst, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	case id > 0xFFFF:
		return append(dst, byte(id>>16), byte(id>>8), byte(id))
	case id > 0xFF:
		return append(dst, byte(id>>8), byte(id))
	}
	return append(dst, byte(id))
}

func appendSize(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(dst, 1<<56|n) }

func appendUint(dst []byte, id uint32, v uint64) []byte {
	return binary.BigEndian.AppendUint64(append(appendID(dst, id), 0x88), v)
}

func appendFloat(dst []byte, id uint32, v float64) []byte {
	return appendUint(dst, id, math.Float64bits(v))
}

func appendBytes(dst []byte, id uint32, v []byte) []byte {
	return append(appendSize(appendID(dst, id), uint64(len(v))), v...)
}

func appendString(dst []byte, id uint32, v string) []byte {
	return append(appendSize(appendID(dst, id), uint64(len(v))), v...)
}

// open begins an element whose size close fills in.
func open(dst []byte, id uint32) (out []byte, mark int) {
	dst = appendSize(appendID(dst, id), 0)
	return dst, len(dst)
}

// shut ends the element that open began.
func shut(dst []byte, mark int) []byte {
	binary.BigEndian.PutUint64(dst[mark-8:mark], 1<<56|uint64(len(dst)-mark))
	return dst
}
