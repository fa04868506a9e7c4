package playback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
)

// PictureFormat says what images of a video are like.
type PictureFormat struct {
	PNG           bool // else JPEG
	Quality       int  // of JPEG, 1 to 100; 0: 80
	Width, Height int  // pixels; 0: as the other says, or the video
}

// pictureTimeout ends a decoder that does not come to an end.
const pictureTimeout = 30 * time.Second

// Extension of image files.
func (f PictureFormat) Extension() string {
	if f.PNG {
		return "png"
	}
	return "jpg"
}

// ContentType of images.
func (f PictureFormat) ContentType() string {
	if f.PNG {
		return "image/png"
	}
	return "image/jpeg"
}

// ErrNoPicture means that a fragment has no video that can be decoded.
var ErrNoPicture = errors.New("no picture can be made")

// Pictures decodes what a fragment shows at given times after its start, in
// order. Decoding is done by ffmpeg, in a process of its own.
func (p *Player) Pictures(ctx context.Context, arn string, f fragments.Fragment, at []time.Duration, format PictureFormat) ([][]byte, error) {
	file, err := p.cfg.Store.Open(arn, f)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	shown, err := showTimes(file, f)
	if err != nil {
		return nil, err
	}
	wanted := make([]int, len(at))
	for i, t := range at {
		n, exact := slices.BinarySearch(shown, t.Milliseconds())
		if !exact {
			n--
		}
		wanted[i] = max(n, 0)
	}
	pictures, err := p.decode(ctx, p.cfg.Store.Path(arn, f), slices.Compact(slices.Clone(wanted)), format)
	if err != nil {
		return nil, fmt.Errorf("fragment %s: %w", f.Number, err)
	}
	out := make([][]byte, len(at))
	for i, n := range wanted {
		out[i] = pictures[n]
	}
	return out, nil
}

// showTimes lists when each frame of the video is shown, in milliseconds after the fragment's start.
func showTimes(file *os.File, f fragments.Fragment) ([]int64, error) {
	header, blocks, err := readFragment(file)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(header.Tracks, func(t mkv.Track) bool { return t.Type == mkv.Video })
	if i < 0 {
		return nil, fmt.Errorf("%w: it has no video", ErrNoPicture)
	}
	var shown []int64
	for _, b := range blocks {
		if b.Track == header.Tracks[i].Number {
			shown = append(shown, b.Timecode-f.Producer.UnixMilli())
		}
	}
	slices.Sort(shown)
	return shown, nil
}

// decode returns pictures by the index of their frame.
func (p *Player) decode(ctx context.Context, path string, frames []int, format PictureFormat) (map[int][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "porchlight-pictures-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	choice := make([]string, len(frames))
	for i, n := range frames {
		choice[i] = fmt.Sprintf(`eq(n\,%d)`, n)
	}
	filter := "select=" + strings.Join(choice, "+")
	if format.Width > 0 || format.Height > 0 {
		filter += fmt.Sprintf(",scale=%d:%d", either(format.Width), either(format.Height))
	}
	args := []string{"-hide_banner", "-nostdin", "-v", "error", "-threads", "1", "-filter_threads", "1", "-protocol_whitelist", "file",
		"-f", "matroska", "-i", "file:" + path, "-map", "0:v:0", "-vf", filter, "-fps_mode", "passthrough", "-frames:v", strconv.Itoa(len(frames))}
	if format.PNG {
		args = append(args, "-c:v", "png")
	} else {
		quality := format.Quality
		if quality == 0 {
			quality = 80
		}
		args = append(args, "-c:v", "mjpeg", "-q:v", strconv.Itoa(31-quality*29/100))
	}
	cmd := exec.CommandContext(ctx, p.cfg.FFmpeg, append(args, "-f", "image2", filepath.Join(dir, "%d."+format.Extension()))...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w: %s", ErrNoPicture, p.cfg.FFmpeg, err, bytes.TrimSpace(complaints.Bytes()[:min(complaints.Len(), 500)]))
	}
	out := make(map[int][]byte, len(frames))
	for i, n := range frames {
		raw, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.%s", i+1, format.Extension())))
		if err != nil {
			return nil, fmt.Errorf("%w: frame %d could not be decoded: %w", ErrNoPicture, n, err)
		}
		out[n] = raw
	}
	return out, nil
}

// either is a size for ffmpeg's scale filter, which keeps the shape where it is -1.
func either(n int) int {
	if n == 0 {
		return -1
	}
	return n
}
