package ffmpeg

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sound says what becomes of a file's sound.
type Sound int

// What can become of it.
const (
	NoSound     Sound = iota
	CopySound         // as it is, which has to be AAC
	EncodeSound       // to AAC
)

// Cover is a part of the picture that nobody is to see, in fractions of its
// width and height.
type Cover struct{ Left, Top, Right, Bottom float64 }

// PacketConfig says how a child makes packets: H.264 or H.265 that is copied,
// or H.264 encoded for live viewing, without B-frames.
type PacketConfig struct {
	Copy  string  // video that is copied: h264 or hevc; "": it is encoded
	Cover []Cover // painted over, which only encoded video can be
	Gray  uint8   // the color of that, of 255
	Sound Sound
}

const (
	// packetOffset lifts timestamps, because a transport stream has none
	// below zero and would shift them all.
	packetOffset = 10 * time.Second

	// What the encoder may spend: the quality that is aimed at, and the bits a
	// second at most.
	encodeQuality = 23
	encodeRate    = 4_000_000
	encodeWidth   = 1920 // pixels; wider pictures are scaled down
	encodeKeys    = 2    // seconds between keyframes
	encodeThreads = 4
)

// EncodeCost estimates what encoding pictures of a size and rate costs, as a
// part of one core of a PC.
func EncodeCost(width, height int, fps float64) float64 {
	if width > encodeWidth {
		height, width = height*encodeWidth/width, encodeWidth
	}
	const perPixel = 6e-9 // seconds
	return float64(width) * float64(height) * cmp.Or(fps, 25) * perPixel
}

// CheckPackets tells whether packets can be encoded: it returns ErrMissing or
// ErrNoEncoder when not.
func CheckPackets(ctx context.Context) error {
	out, err := command(ctx, "ffmpeg", []string{"-hide_banner", "-v", "error", "-encoders"}).Output()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return missing(err)
	case !slices.Contains(strings.Fields(string(out)), "libx264"):
		return ErrNoEncoder
	}
	return nil
}

// output returns the arguments of an output that makes packets.
func (c PacketConfig) output(to string) []string {
	args := []string{"-map", "0:V:0"}
	switch c.Copy {
	case "":
		args = append(args, "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-bf", "0",
			"-threads:v", strconv.Itoa(min(encodeThreads, runtime.NumCPU())),
			"-crf", strconv.Itoa(encodeQuality), "-maxrate", strconv.Itoa(encodeRate), "-bufsize", strconv.Itoa(2*encodeRate),
			"-g", "100000", "-forced-idr", "1", "-force_key_frames",
			fmt.Sprintf("expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+%d))", encodeKeys),
			// A picture whose time runs back is left out: no container takes it.
			"-fps_mode", "vfr", "-enc_time_base", "1:90000", "-vf", c.filter())
	case "hevc":
		args = append(args, "-c:v", "copy", "-bsf:v", "hevc_mp4toannexb")
	default:
		args = append(args, "-c:v", "copy", "-bsf:v", "h264_mp4toannexb")
	}
	switch c.Sound {
	case CopySound:
		args = append(args, "-map", "0:a:0", "-c:a", "copy")
	case EncodeSound:
		args = append(args, "-map", "0:a:0", "-c:a", "aac", "-b:a", "64k", "-ac", "2")
	}
	// Nothing waits for a track that has ended or is silent.
	return append(args, "-sn", "-dn", "-max_interleave_delta", "500000", "-flush_packets", "1",
		"-output_ts_offset", strconv.FormatFloat(packetOffset.Seconds(), 'f', -1, 64), "-muxdelay", "0", "-muxpreload", "0",
		"-f", "mpegts", "-mpegts_start_pid", strconv.Itoa(videoPID),
		"-pes_payload_size", "0", "-omit_video_pes_length", "0", to)
}

// filter prepares pictures for the encoder, which wants even sides.
func (c PacketConfig) filter() string {
	var s strings.Builder
	fmt.Fprintf(&s, `scale=w=max(16\,trunc(min(%d\,iw)/2)*2):h=max(16\,trunc(ow*ih/iw/2+0.5)*2),setsar=1,format=yuv420p`, encodeWidth)
	for _, b := range c.Cover {
		fmt.Fprintf(&s, `,drawbox=x=floor(iw*%[1]g):y=floor(ih*%[2]g):w=ceil(iw*%[3]g)-floor(iw*%[1]g):h=ceil(ih*%[4]g)-floor(ih*%[2]g):`+
			`color=0x%02[5]x%02[5]x%02[5]x:t=fill`, b.Left, b.Top, b.Right, b.Bottom, c.Gray)
	}
	return s.String()
}
