package mkv

import (
	"bytes"
	"encoding/binary"
	"math"
)

// parseEBML checks the document type.
func parseEBML(b []byte) error {
	docType := "matroska"
	err := children(b, func(id uint32, payload []byte) (err error) {
		if id == idDocType {
			docType, err = parseText(payload)
		}
		return err
	})
	if err == nil && docType != "matroska" && docType != "webm" {
		return invalid("the document type is %q", docType)
	}
	return err
}

// parseInfo returns the timecode scale.
func parseInfo(b []byte) (scale uint64, err error) {
	scale = 1_000_000
	err = children(b, func(id uint32, payload []byte) (err error) {
		if id == idTimecodeScale {
			scale, err = parseUint(payload)
		}
		return err
	})
	if err == nil && (scale == 0 || scale > 1_000_000_000) {
		return 0, invalid("the timecode scale is %d ns", scale)
	}
	return scale, err
}

func parseTracks(b []byte) ([]Track, error) {
	var tracks []Track
	err := children(b, func(id uint32, payload []byte) error {
		if id != idTrackEntry {
			return nil
		}
		t, err := parseTrack(payload)
		if err != nil {
			return err
		}
		for _, other := range tracks {
			if other.Number == t.Number {
				return invalid("two tracks have the number %d", t.Number)
			}
		}
		tracks = append(tracks, t)
		return nil
	})
	if err == nil && len(tracks) == 0 {
		return nil, invalid("there is no track")
	}
	return tracks, err
}

func parseTrack(b []byte) (t Track, err error) {
	err = children(b, func(id uint32, p []byte) (err error) {
		switch id {
		case idTrackNumber:
			t.Number, err = parseUint(p)
		case idTrackType:
			t.Type, err = parseUint(p)
		case idTrackName:
			t.Name, err = parseText(p)
		case idCodecID:
			t.CodecID, err = parseText(p)
		case idCodecPrivate:
			t.CodecPrivate = bytes.Clone(p)
		case idDefaultLength:
			t.FrameLength, err = parseUint(p)
		case idContentEncs:
			err = invalid("track content is compressed or encrypted")
		case idVideo:
			t.Width, t.Height, err = parseVideo(p)
		case idAudio:
			t.SampleRate, t.Channels, err = parseAudio(p)
		}
		return err
	})
	if err == nil && (t.Number == 0 || t.Number > math.MaxUint16 || t.CodecID == "") {
		return t, invalid("a track has number %d and codec %q", t.Number, t.CodecID)
	}
	return t, err
}

func parseVideo(b []byte) (width, height int, err error) {
	err = children(b, func(id uint32, p []byte) error {
		if id != idPixelWidth && id != idPixelHeight {
			return nil
		}
		v, err := parseUint(p)
		if err != nil || v > math.MaxUint16 {
			return invalid("the picture is %d pixels wide or high", v)
		}
		if id == idPixelWidth {
			width = int(v)
		} else {
			height = int(v)
		}
		return nil
	})
	return width, height, err
}

func parseAudio(b []byte) (rate float64, channels int, err error) {
	rate, channels = 8000, 1
	err = children(b, func(id uint32, p []byte) (err error) {
		switch id {
		case idSamplingRate:
			if rate, err = parseFloat(p); err == nil && !(rate > 0 && rate < 1e6) {
				err = invalid("the sampling rate is %v Hz", rate)
			}
		case idChannels:
			var n uint64
			if n, err = parseUint(p); err == nil && n > 64 {
				err = invalid("there are %d channels", n)
			}
			channels = int(n)
		}
		return err
	})
	return rate, channels, err
}

func parseTags(b []byte) (tags []Tag, err error) {
	err = children(b, func(id uint32, p []byte) error {
		if id != idTag {
			return nil
		}
		return children(p, func(id uint32, p []byte) error {
			if id != idSimpleTag {
				return nil
			}
			tags, err = appendSimpleTag(tags, p, maxDepth)
			return err
		})
	})
	return tags, err
}

func appendSimpleTag(tags []Tag, b []byte, depth int) ([]Tag, error) {
	if depth == 0 {
		return nil, invalid("tags are nested too deeply")
	}
	var t Tag
	var nested []Tag
	err := children(b, func(id uint32, p []byte) (err error) {
		switch id {
		case idTagName:
			t.Name, err = parseText(p)
		case idTagString:
			t.Value, err = parseText(p)
		case idTagBinary:
			t.Value = string(p)
		case idSimpleTag:
			nested, err = appendSimpleTag(nested, p, depth-1)
		}
		return err
	})
	return append(append(tags, t), nested...), err
}

// parseBlock reads the payload of a SimpleBlock, or of a Block, whose flags do
// not tell whether it is a key frame.
func parseBlock(b []byte, cluster uint64) (Block, error) {
	track, n, err := parseSize(b)
	if err != nil || track == unknownSize || len(b) < n+3 {
		return Block{}, invalid("a block of %d bytes has no header", len(b))
	}
	if b[n+2]&0x06 != 0 {
		return Block{}, invalid("a block is laced: send one frame in each")
	}
	relative := int16(binary.BigEndian.Uint16(b[n:]))
	return Block{Track: track, Timecode: int64(cluster) + int64(relative), Key: b[n+2]&0x80 != 0, Data: b[n+3:]}, nil
}

// parseBlockGroup reads a BlockGroup; a block that refers to no other is a key frame.
func parseBlockGroup(b []byte, cluster uint64) (block Block, err error) {
	found, key := false, true
	err = children(b, func(id uint32, p []byte) (err error) {
		switch id {
		case idBlock:
			if found {
				return invalid("a block group has two blocks")
			}
			found = true
			block, err = parseBlock(p, cluster)
		case idReferenceBlock:
			key = false
		}
		return err
	})
	if err == nil && !found {
		return block, invalid("a block group has no block")
	}
	block.Key = key
	return block, err
}
