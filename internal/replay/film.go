package replay

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/image/draw"

	"porchlight/internal/annotate"
	"porchlight/internal/capture/ffmpeg"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/pipeline"
)

// ErrFilm is about where annotated video goes.
var ErrFilm = errors.New("annotated video cannot go there")

// longestHold is how long, in seconds, a picture is held where the video has a
// gap; a longer one becomes so long.
const longestHold = 10

// FilmPaths returns where the annotated video of each file goes. One file's goes
// to out; with several the name of each is put in before the extension. When
// out is a folder, or ends like one, each gets its name in it. No two are the
// same, and none is one of the files.
func FilmPaths(out string, files []string) ([]string, error) {
	folder := strings.HasSuffix(out, string(filepath.Separator))
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		folder = true
	}
	taken := map[string]bool{}
	paths := make([]string, len(files))
	for i, file := range files {
		stem := strings.TrimSuffix(filepath.Base(filepath.Clean(file)), filepath.Ext(file))
		base, ext := strings.TrimSuffix(out, filepath.Ext(out)), filepath.Ext(out)
		switch {
		case folder:
			base, ext = filepath.Join(out, stem), ".mp4"
		case len(files) > 1:
			base += "-" + stem
		}
		path := base + ext
		for n := 2; taken[path]; n++ {
			path = base + "-" + strconv.Itoa(n) + ext
		}
		taken[path] = true
		for _, input := range files {
			if SameFile(path, input) {
				return nil, fmt.Errorf("%w: %s is one of the videos; name another file", ErrFilm, path)
			}
		}
		paths[i] = path
	}
	return paths, nil
}

// SameFile says whether two names lead to one file that exists.
func SameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// film is the annotated video of one file. Pictures stand as long as in the
// original: time is cut into slots of the look rate, and each slot shows the
// newest picture.
type film struct {
	path      string
	fps       float64
	annotator *annotate.Annotator
	encoder   *ffmpeg.Encoder // nil until the first picture tells the size
	width     int
	height    int
	last      []byte // the newest picture
	slots     int64  // the newest picture's own included
	made      string // path, once the file is whole
}

func newFilm(path string, settings config.Camera) *film {
	return &film{path: path, fps: settings.FPS, annotator: annotate.New(settings)}
}

// show adds what one frame gave. The end of ctx leaves no film.
func (m *film) show(ctx context.Context, v *pipeline.View) error {
	f := m.annotator.Draw(v)
	if m.encoder == nil {
		if err := os.MkdirAll(filepath.Dir(m.path), 0o755); err != nil {
			return fmt.Errorf("%w: %w", ErrFilm, err)
		}
		encoder, err := ffmpeg.Encode(ctx, ffmpeg.EncodeConfig{Path: m.path, Width: f.Width, Height: f.Height, FPS: m.fps})
		if err != nil {
			return err
		}
		m.encoder, m.width, m.height = encoder, f.Width, f.Height
	}
	slot := int64(math.Floor(f.Offset.Seconds()*m.fps + 0.25))
	if m.last != nil && slot < m.slots {
		slot = m.slots
	}
	for hold := int64(longestHold * m.fps); m.last != nil && m.slots < slot; m.slots++ {
		if hold--; hold < 0 {
			m.slots = slot
			break
		}
		if err := m.encoder.Picture(m.last); err != nil {
			return err
		}
	}
	m.last, m.slots = m.fit(f), slot+1
	return m.encoder.Picture(m.last)
}

// fit returns the pixels of a frame at the size of the first.
func (m *film) fit(f *event.Frame) []byte {
	if f.Width == m.width && f.Height == m.height {
		return f.Pix
	}
	scaled := image.NewRGBA(image.Rect(0, 0, m.width, m.height))
	draw.ApproxBiLinear.Scale(scaled, scaled.Bounds(), f, f.Bounds(), draw.Src, nil)
	bgr := make([]byte, 0, m.width*m.height*3)
	for i := 0; i < len(scaled.Pix); i += 4 {
		bgr = append(bgr, scaled.Pix[i+2], scaled.Pix[i+1], scaled.Pix[i])
	}
	return bgr
}

// close finishes the file.
func (m *film) close() error {
	if m.encoder == nil {
		return nil
	}
	if err := m.encoder.Close(); err != nil {
		return err
	}
	m.made = m.path
	return nil
}
