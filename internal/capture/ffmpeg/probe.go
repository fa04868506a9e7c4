package ffmpeg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotVideo says that a file holds no video that can be decoded.
var ErrNotVideo = errors.New("not a video")

// probeTimeout bounds the look at a file.
const probeTimeout = 20 * time.Second

// formats are the containers a file may have. Playlists, which make the
// reader open other files or hosts, and text "video" are left out.
const formats = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,gif,h264,hevc,m4v,mjpeg,nut,ivf,dv," +
	"rm,wtv,mxf,jpeg_pipe,png_pipe,bmp_pipe,webp_pipe,tiff_pipe,ppm_pipe,pgm_pipe,jpegls_pipe,j2k_pipe,yuv4mpegpipe"

// FileInput returns the input arguments for a local file, whatever its name.
func FileInput(path string) []string {
	return []string{"-protocol_whitelist", "file,pipe", "-format_whitelist", formats, "-i", "file:" + path}
}

// pipeInput is the input for a file that the child gets as standard input.
var pipeInput = []string{"-protocol_whitelist", "pipe", "-format_whitelist", formats, "-i", "pipe:0"}

// Info describes a file's first video track, and its sound.
type Info struct {
	Format        string  // container, as FFmpeg names it
	Codec         string  // as FFmpeg names it
	Width, Height int     // pixels as encoded
	FPS           float64 // average, 0 if not known
	Pixels        string  // their format, as FFmpeg names it
	Turned        bool    // to be shown with another side up
	Audio         string  // codec of the first audio track, "" if there is none
	AudioProfile  string  // as FFmpeg names it
}

// Still reports whether the file is a single picture.
func (i Info) Still() bool {
	return strings.HasSuffix(i.Format, "_pipe")
}

// Probe looks at a file. It fails with ErrNotVideo, with the reason, or ErrMissing.
func Probe(ctx context.Context, path string) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	input := FileInput(path)
	args := append([]string{"-v", "error", "-of", "json", "-show_entries",
		"stream=codec_type,codec_name,profile,pix_fmt,width,height,avg_frame_rate:stream_disposition=attached_pic:" +
			"stream_side_data=rotation:format=format_name"}, input...)
	cmd := command(ctx, "ffprobe", args)
	errs := &tail{limit: 1024}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return Info{}, fmt.Errorf("look at %s: %w", path, context.Cause(ctx))
		case errors.As(err, &exit):
			return Info{}, fmt.Errorf("%w: %s: %s", ErrNotVideo, path, errs.String())
		default:
			return Info{}, missing(err)
		}
	}
	return parseProbe(out.Bytes(), path)
}

func parseProbe(out []byte, path string) (Info, error) {
	var v struct {
		Streams []probed `json:"streams"`
		Format  struct {
			Name string `json:"format_name"`
		} `json:"format"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return Info{}, fmt.Errorf("look at %s: %w", path, err)
	}
	video := slices.IndexFunc(v.Streams, func(s probed) bool { return s.Type == "video" && s.Disposition.Attached == 0 })
	if video < 0 || v.Streams[video].Width <= 0 || v.Streams[video].Height <= 0 {
		return Info{}, fmt.Errorf("%w: %s holds no video track (format %s)", ErrNotVideo, path, v.Format.Name)
	}
	s := v.Streams[video]
	info := Info{Format: v.Format.Name, Codec: s.Codec, Width: s.Width, Height: s.Height, Pixels: s.Pixels}
	for _, data := range s.SideData {
		info.Turned = info.Turned || data.Rotation != 0
	}
	if i := slices.IndexFunc(v.Streams, func(s probed) bool { return s.Type == "audio" }); i >= 0 {
		info.Audio, info.AudioProfile = v.Streams[i].Codec, v.Streams[i].Profile
	}
	num, den, _ := strings.Cut(s.Rate, "/")
	n, errN := strconv.ParseFloat(num, 64)
	d, errD := strconv.ParseFloat(den, 64)
	if errN == nil && errD == nil && n > 0 && d > 0 {
		info.FPS = n / d
	}
	return info, nil
}

// probed is a track as ffprobe describes it.
type probed struct {
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Profile     string `json:"profile"`
	Pixels      string `json:"pix_fmt"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Rate        string `json:"avg_frame_rate"`
	Disposition struct {
		Attached int `json:"attached_pic"` // a cover, not a film
	} `json:"disposition"`
	SideData []struct {
		Rotation float64 `json:"rotation"` // degrees
	} `json:"side_data_list"`
}
