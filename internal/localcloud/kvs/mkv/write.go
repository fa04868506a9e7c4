package mkv

import (
	"encoding/binary"
	"math"
)

// AppendHeader writes what stands before the tags of a fragment: the EBML
// header and a segment of unknown size with its tracks. Ticks are milliseconds.
func AppendHeader(b []byte, rawTracks []byte) []byte {
	ebml := appendUint(nil, 0x4286, 1)
	ebml = appendUint(ebml, 0x42F7, 1)
	ebml = appendUint(ebml, 0x42F2, 4)
	ebml = appendUint(ebml, 0x42F3, 8)
	ebml = appendElement(ebml, idDocType, []byte("matroska"))
	ebml = appendUint(ebml, 0x4287, 4)
	ebml = appendUint(ebml, 0x4285, 2)
	b = appendElement(b, idEBML, ebml)

	b = appendUnknown(b, idSegment)
	info := appendUint(nil, idTimecodeScale, 1_000_000)
	info = appendElement(info, idMuxingApp, []byte("Porchlight"))
	info = appendElement(info, idWritingApp, []byte("Porchlight"))
	b = appendElement(b, idInfo, info)
	return appendElement(b, idTracks, rawTracks)
}

// AppendTags writes one Tags element; none when there are no tags.
func AppendTags(b []byte, tags []Tag) []byte {
	if len(tags) == 0 {
		return b
	}
	var tag []byte
	for _, t := range tags {
		simple := appendElement(nil, idTagName, []byte(t.Name))
		tag = appendElement(tag, idSimpleTag, appendElement(simple, idTagString, []byte(t.Value)))
	}
	return appendElement(b, idTags, appendElement(nil, idTag, tag))
}

// AppendCluster begins a cluster of unknown size.
func AppendCluster(b []byte, timecode uint64) []byte {
	return appendUint(appendUnknown(b, idCluster), idTimecode, timecode)
}

// AppendBlockHeader begins a SimpleBlock of size bytes, which must follow.
// relative is its time after the cluster's timecode, in ticks.
func AppendBlockHeader(b []byte, track uint64, relative int16, key bool, size int) []byte {
	number := appendSize(nil, track)
	b = appendSize(appendID(b, idSimpleBlock), uint64(len(number)+3+size))
	b = append(b, number...)
	b = binary.BigEndian.AppendUint16(b, uint16(relative))
	if key {
		return append(b, 0x80)
	}
	return append(b, 0)
}

// FitsBlock tells whether a block may stand this many ticks after its cluster.
func FitsBlock(relative int64) bool { return relative >= math.MinInt16 && relative <= math.MaxInt16 }

func appendID(b []byte, id uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		if id>>shift != 0 {
			b = append(b, byte(id>>shift))
		}
	}
	return b
}

func appendSize(b []byte, size uint64) []byte {
	n := 1
	for n < 8 && size >= 1<<(7*n)-1 {
		n++
	}
	size |= 1 << (7 * n)
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(size>>(8*i)))
	}
	return b
}

func appendUnknown(b []byte, id uint32) []byte {
	return append(appendID(b, id), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
}

func appendElement(b []byte, id uint32, payload []byte) []byte {
	return append(appendSize(appendID(b, id), uint64(len(payload))), payload...)
}

func appendUint(b []byte, id uint32, v uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], v)
	i := 0
	for i < 7 && raw[i] == 0 {
		i++
	}
	return appendElement(b, id, raw[i:])
}
