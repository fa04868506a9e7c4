package media

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// ErrParameters is wrapped when parameter sets make no decoder configuration.
var ErrParameters = errors.New("parameter sets are broken")

// maxParameterSet is the largest parameter set a configuration record can
// hold: its length is 16 bits.
const maxParameterSet = 1<<16 - 1

// CodecPrivate returns what a container tells the decoder ahead: the avcC or
// hvcC record (ISO/IEC 14496-15, 5.3.3 and 8.3.3) or the AudioSpecificConfig.
// It fails with ErrParameters.
func (s *Stream) CodecPrivate() ([]byte, error) {
	switch s.Codec {
	case H264:
		return avcC(s.SPS, s.PPS)
	case H265:
		return hvcC(s.VPS, s.SPS, s.PPS)
	case AAC:
		return s.Config, nil
	}
	return nil, fmt.Errorf("%w: codec %q", ErrParameters, s.Codec)
}

func avcC(sps, pps []byte) ([]byte, error) {
	if len(sps) < 4 || len(sps) > maxParameterSet || len(pps) == 0 || len(pps) > maxParameterSet {
		return nil, fmt.Errorf("%w: SPS of %d and PPS of %d bytes", ErrParameters, len(sps), len(pps))
	}
	// Version, profile, compatibility, level, four-byte lengths, one SPS.
	out := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1}
	out = appendSized(out, sps)
	out = append(out, 1) // PPS
	out = appendSized(out, pps)
	if profile := sps[1]; profile != 66 && profile != 77 && profile != 88 { // High and above say more
		var parsed h264.SPS
		if parsed.Unmarshal(sps) == nil {
			out = append(out, 0xfc|byte(parsed.ChromaFormatIdc), 0xf8|byte(parsed.BitDepthLumaMinus8),
				0xf8|byte(parsed.BitDepthChromaMinus8), 0)
		}
	}
	return out, nil
}

func hvcC(vps, sps, pps []byte) ([]byte, error) {
	for _, set := range [][]byte{vps, sps, pps} {
		if len(set) < 3 || len(set) > maxParameterSet {
			return nil, fmt.Errorf("%w: a set of %d bytes", ErrParameters, len(set))
		}
	}
	var parsed h265.SPS
	if err := parsed.Unmarshal(sps); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParameters, err)
	}
	plain := h264.EmulationPreventionRemove(sps) // the rule is the same
	if len(plain) < 15 {
		return nil, fmt.Errorf("%w: SPS of %d bytes", ErrParameters, len(sps))
	}
	out := append([]byte{1}, plain[3:15]...) // profile, tier, compatibility, constraints, level
	out = append(out,
		0xf0, 0x00, // no segmentation known
		0xfc, // nor parallelism
		0xfc|byte(parsed.ChromaFormatIdc),
		0xf8|byte(parsed.BitDepthLumaMinus8),
		0xf8|byte(parsed.BitDepthChromaMinus8),
		0, 0, // no fixed frame rate
		plain[2]>>1&7<<3+1<<3|plain[2]&1<<2|3, // temporal layers and nesting, four-byte lengths
		3)
	for _, set := range [][]byte{vps, sps, pps} {
		out = append(out, 0x80|byte(h265Type(set)), 0, 1)
		out = appendSized(out, set)
	}
	return out, nil
}

func appendSized(dst, set []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(set))), set...)
}

// ParseAVCC reads an avcC record with one SPS and one PPS, as CodecPrivate
// makes it, and returns the parameter sets. It fails with ErrParameters.
func ParseAVCC(record []byte) (sps, pps []byte, _ error) {
	if len(record) < 7 || record[0] != 1 || record[5]&0x1f == 0 {
		return nil, nil, fmt.Errorf("%w: not an avcC record", ErrParameters)
	}
	sps, rest, ok := cutSized(record[6:])
	for n := record[5]&0x1f - 1; ok && n > 0; n-- {
		_, rest, ok = cutSized(rest)
	}
	if !ok || len(rest) == 0 || rest[0] == 0 {
		return nil, nil, fmt.Errorf("%w: the avcC record is cut short", ErrParameters)
	}
	if pps, _, ok = cutSized(rest[1:]); !ok {
		return nil, nil, fmt.Errorf("%w: the avcC record is cut short", ErrParameters)
	}
	return sps, pps, nil
}

func cutSized(b []byte) (set, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n == 0 || len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
