package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"porchlight/internal/media"
)

// feed writes packets to a decoder as a live Matroska stream (RFC 9559):
// unlike a bare byte stream it carries timestamps and marks where an access
// unit ends, so the decoder neither guesses times nor waits for the next one.
type feed struct{ w io.Writer }

// liveInput is the input arguments of a child that is fed so. Low probing
// limits: the container's header says all there is to know. The nobuffer flag
// is left out on purpose, as it throws away the packets that were probed: a
// whole second of video, up to the next keyframe.
func liveInput() []string {
	return []string{"-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0",
		"-copyts", "-f", "matroska", "-i", "pipe:0"}
}

// header begins the stream. The parameter sets travel in the packets.
func (f feed) header(s *media.Stream) error {
	codec, ok := map[media.Codec]string{media.H264: "V_MPEG4/ISO/AVC", media.H265: "V_MPEGH/ISO/HEVC"}[s.Codec]
	if !ok {
		return fmt.Errorf("cannot decode %s", s.Codec)
	}
	video := element(0xE0, uintElement(0xB0, uint64(max(s.Width, 16))), uintElement(0xBA, uint64(max(s.Height, 16))))
	track := element(0xAE, uintElement(0xD7, 1), uintElement(0x73C5, 1), uintElement(0x83, 1),
		element(0x86, []byte(codec)), video)
	out := element(0x1A45DFA3, uintElement(0x4286, 1), uintElement(0x42F7, 1), uintElement(0x42F2, 4), uintElement(0x42F3, 8),
		element(0x4282, []byte("matroska")), uintElement(0x4287, 4), uintElement(0x4285, 2))
	out = append(out, 0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) // Segment of unknown size
	out = append(out, element(0x1549A966, uintElement(0x2AD7B1, uint64(time.Millisecond)))...)
	out = append(out, element(0x1654AE6B, track)...)
	_, err := f.w.Write(out)
	return err
}

// packet writes one packet, in a cluster of its own, with a timestamp in
// milliseconds from 0 up.
func (f feed) packet(p *media.Packet, ms int64) error {
	flags := byte(0)
	if p.Key {
		flags = 0x80
	}
	block := element(0xA3, []byte{0x81, 0, 0, flags}, media.AnnexB(p.AU))
	_, err := f.w.Write(element(0x1F43B675, uintElement(0xE7, uint64(max(ms, 0))), block))
	return err
}

// element returns an EBML element with an eight-byte length (RFC 8794).
func element(id uint32, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	var idBytes [4]byte
	binary.BigEndian.PutUint32(idBytes[:], id)
	skip := 0
	for idBytes[skip] == 0 {
		skip++
	}
	out := make([]byte, 0, 12+n)
	out = append(out, idBytes[skip:]...)
	out = binary.BigEndian.AppendUint64(out, 1<<56|uint64(n))
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func uintElement(id uint32, v uint64) []byte {
	return element(id, binary.BigEndian.AppendUint64(nil, v))
}
