package simulator

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"porchlight/internal/capture/ffmpeg"
)

// keyInterval is the camera's distance between keyframes unless told otherwise.
const keyInterval = time.Second

// quick is the encoder's options unless told otherwise.
func quick() []string {
	return []string{"-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-crf", "18", "-bf", "0"}
}

// clip is a video file encoded as a camera would.
type clip struct {
	vps, sps, pps []byte // vps of H.265 only
	units         []unit
	length        time.Duration // of one round
	sound         *sound        // nil when there is none
}

// unit is one access unit.
type unit struct {
	pts  time.Duration
	nals [][]byte
}

// loadClip encodes a file as H.264, with an access unit delimiter before
// every frame to part them by.
func loadClip(ctx context.Context, cfg Config) (*clip, error) {
	info, err := ffmpeg.Probe(ctx, cfg.File)
	if err != nil {
		return nil, err
	}
	filter := ffmpeg.Filter(cfg.FPS, cfg.MaxWidth) + "scale=w=trunc(iw/2)*2:h=trunc(ih/2)*2,format=yuv420p"
	options, codec, muxer, split := cfg.Encoder, "libx264", "h264", split
	if len(options) == 0 {
		options = quick()
	}
	// Decoders find the pictures by the delimiters.
	parameters := []string{"-x264-params", "aud=1:scenecut=0:sliced-threads=0"}
	if cfg.H265 {
		codec, muxer, split, options = "libx265", "hevc", splitH265, cfg.Encoder
		parameters = []string{"-preset", "ultrafast", "-x265-params", "aud=1:repeat-headers=1:scenecut=0:bframes=0:open-gop=0:log-level=error"}
	}
	key := strconv.FormatFloat(cmp.Or(cfg.KeyInterval, keyInterval).Seconds(), 'f', -1, 64)
	output := append([]string{"-vf", filter, "-c:v", codec, "-g", "100000"}, options...)
	output = append(append(output, parameters...), "-forced-idr", "1", "-force_key_frames", "expr:gte(t,n_forced*"+key+")")
	child, err := ffmpeg.Start(ctx, ffmpeg.Spec{
		Input:  ffmpeg.FileInput(cfg.File),
		Output: output,
		Format: muxer,
	})
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	stream, err := io.ReadAll(child.Stdout)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", cfg.File, err)
	}
	c, err := split(stream)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w: %s", cfg.File, err, child.Complaints())
	}
	for i := range c.units {
		if c.units[i].pts, err = child.NextTime(); err != nil {
			return nil, fmt.Errorf("encode %s: %w", cfg.File, err)
		}
	}
	if err := child.Wait(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", cfg.File, err)
	}
	c.length = c.units[len(c.units)-1].pts + interval(info.FPS, cfg.FPS)
	if cfg.Sound != NoSound {
		c.sound, err = loadSound(ctx, cfg)
	}
	return c, err
}

// interval is how long the last frame is shown before the clip starts over.
func interval(fps, limit float64) time.Duration {
	if fps <= 0 {
		fps = 25
	}
	if limit > 0 {
		fps = min(fps, limit)
	}
	return time.Duration(float64(time.Second) / fps)
}

// splitH265 is split for H.265 (table 7-1).
func splitH265(stream []byte) (*clip, error) {
	c := &clip{}
	for _, nal := range nals(stream) {
		switch h265.NALUType(nal[0] >> 1 & 0x3f) {
		case h265.NALUType_AUD_NUT:
			c.units = append(c.units, unit{})
			continue
		case h265.NALUType_VPS_NUT:
			c.vps = nal
		case h265.NALUType_SPS_NUT:
			c.sps = nal
		case h265.NALUType_PPS_NUT:
			c.pps = nal
		}
		if len(c.units) == 0 {
			return nil, fmt.Errorf("%w: the encoder wrote no access unit delimiter", ffmpeg.ErrFailed)
		}
		u := &c.units[len(c.units)-1]
		u.nals = append(u.nals, nal)
	}
	if len(c.units) == 0 || c.vps == nil || c.sps == nil || c.pps == nil {
		return nil, fmt.Errorf("%w: the encoder wrote no video", ffmpeg.ErrFailed)
	}
	return c, nil
}

// split parts a byte stream into access units at the delimiters.
func split(stream []byte) (*clip, error) {
	c := &clip{}
	for _, nal := range nals(stream) {
		switch h264.NALUType(nal[0] & 0x1f) {
		case h264.NALUTypeAccessUnitDelimiter:
			c.units = append(c.units, unit{})
			continue
		case h264.NALUTypeSPS:
			c.sps = nal
		case h264.NALUTypePPS:
			c.pps = nal
		}
		if len(c.units) == 0 {
			return nil, fmt.Errorf("%w: the encoder wrote no access unit delimiter", ffmpeg.ErrFailed)
		}
		u := &c.units[len(c.units)-1]
		u.nals = append(u.nals, nal)
	}
	if len(c.units) == 0 || c.sps == nil || c.pps == nil {
		return nil, fmt.Errorf("%w: the encoder wrote no video", ffmpeg.ErrFailed)
	}
	return c, nil
}
