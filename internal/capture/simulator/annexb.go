package simulator

import "bytes"

// nals parts a byte stream (H.264 Annex B) into its NAL units. The codec
// library's parser takes only one access unit at a time.
func nals(stream []byte) [][]byte {
	start := []byte{0, 0, 1}
	var out [][]byte
	for i := bytes.Index(stream, start); i >= 0; {
		stream = stream[i+len(start):]
		i = bytes.Index(stream, start)
		nal := stream
		if i >= 0 {
			nal = stream[:i]
		}
		// A longer start code's first zero, or trailing zeros, are no payload.
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			out = append(out, nal)
		}
	}
	return out
}
