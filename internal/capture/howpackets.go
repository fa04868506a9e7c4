package capture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"porchlight/internal/capture/ffmpeg"
)

const (
	// maxCopyInterval is the distance of keyframes up to which a file's video
	// is good for recordings as it is.
	maxCopyInterval = 5 * time.Second
	// trialLength is how much of a file is looked at to learn that.
	trialLength = 30 * time.Second
	// trialTime is how long that may take.
	trialTime = 20 * time.Second
)

// copyable is what players show, and what may therefore go into recordings
// as it is: codecs and their formats of pixels, as FFmpeg names them.
var copyable = map[string][]string{
	"h264": {"yuv420p", "yuvj420p"},
	"hevc": {"yuv420p", "yuvj420p", "yuv420p10le"},
}

// howPackets says how the packets of a file are made, nil when there are to
// be none.
func howPackets(ctx context.Context, cfg *Config, path string, info ffmpeg.Info) *ffmpeg.PacketConfig {
	if cfg.Packets == nil || cfg.Pace != RealTime {
		return nil
	}
	var how ffmpeg.PacketConfig
	switch {
	case !cfg.Audio || info.Audio == "":
	case info.Audio == "aac" && slices.Contains([]string{"LC", "HE-AAC", "HE-AACv2"}, info.AudioProfile):
		how.Sound = ffmpeg.CopySound
	default:
		how.Sound = ffmpeg.EncodeSound
	}
	var reason string
	switch {
	case len(cfg.Masks) > 0:
		reason = "parts of it are covered"
	case !slices.Contains(copyable[info.Codec], info.Pixels):
		reason = fmt.Sprintf("players do not show %s in %s", info.Codec, info.Pixels)
	case info.Turned:
		reason = "it is turned"
	default:
		how.Copy = info.Codec
		reason = try(ctx, path, how)
	}
	if reason == "" {
		return &how
	}
	how.Copy = ""
	return encoded(ctx, cfg, how, reason, info)
}

// encoded makes packets by encoding and says so, or returns nil when that
// cannot be done.
func encoded(ctx context.Context, cfg *Config, how ffmpeg.PacketConfig, reason string, info ffmpeg.Info) *ffmpeg.PacketConfig {
	if err := ffmpeg.CheckPackets(ctx); err != nil {
		if ctx.Err() == nil {
			cfg.Log.Warn("the camera is neither recorded nor shown live, only watched", "error", err)
		}
		return nil
	}
	how.Cover, how.Gray = cover(cfg.Masks), maskGray
	cost := "unknown"
	if info.Width > 0 {
		cost = fmt.Sprintf("about %.0f %% of a core of a PC", 100*ffmpeg.EncodeCost(info.Width, info.Height, info.FPS))
	}
	cfg.Log.Info("video is encoded for recording and live view", "because", reason, "cost", cost)
	return &how
}

// try copies the beginning of a file and tells why that is no good, if so.
func try(ctx context.Context, path string, how ffmpeg.PacketConfig) (reason string) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	how.Sound = ffmpeg.NoSound
	input := append([]string{"-t", fmt.Sprint(trialLength.Seconds())}, ffmpeg.FileInput(path)...)
	child, err := ffmpeg.Transcode(ctx, ffmpeg.TranscodeConfig{Input: input, Packets: how})
	if err != nil {
		return err.Error()
	}
	defer child.Close()
	units, label := ffmpeg.NewUnits(child.Packets(), 0), newPacketizer(&how)
	key := time.Duration(-1)
	for {
		u, err := units.Next()
		if err != nil {
			break
		}
		switch p, err := label.Packet(u.NALs, u.PTS, time.Time{}); {
		case u.PTS < 0:
			return "it begins before its first picture"
		case u.PTS-max(key, 0) > maxCopyInterval:
			return fmt.Sprintf("its keyframes are more than %s apart", maxCopyInterval)
		case err == nil && p.Key:
			key = u.PTS
		}
	}
	if key < 0 {
		return "it has no keyframes"
	}
	return ""
}
