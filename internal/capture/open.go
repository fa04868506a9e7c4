package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"porchlight/internal/capture/ffmpeg"
)

var schemePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// open tells the kind of a source and checks what can be checked before
// playing it.
func open(ctx context.Context, cfg Config) (source, error) {
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w (%w)", ErrNoDecoder, err)
		}
	}
	path := strings.TrimPrefix(cfg.URL, "file://")
	scheme := strings.ToLower(schemePattern.FindString(path))
	switch {
	case cfg.URL == "":
		return nil, fmt.Errorf("%w: it has no URL", ErrConfig)
	case scheme == "rtsp://" || scheme == "rtsps://":
		u, err := rtspURL(scheme, path)
		if err != nil {
			return nil, err
		}
		return newRTSPSource(cfg, u), nil
	case scheme != "":
		return nil, fmt.Errorf("%w: %s is not supported; want rtsp://, rtsps://, /dev/videoN or the path of a file or folder",
			ErrConfig, scheme)
	case strings.HasPrefix(path, "/dev/video"):
		return &deviceSource{cfg: cfg, path: path}, nil
	}
	return openPath(ctx, cfg, path)
}

// rtspURL reads an RTSP address of a scheme, in lower case, or fails with
// ErrConfig: the text of a broken address may hold the password anywhere.
func rtspURL(scheme, text string) (*base.URL, error) {
	u, err := base.ParseURL(scheme + text[len(scheme):])
	if err != nil || !validHost((*url.URL)(u)) {
		return nil, fmt.Errorf("%w: its RTSP address cannot be understood; want rtsp://user:password@host:554/path,"+
			" with special characters in the password percent-encoded", ErrConfig)
	}
	return u, nil
}

// validHost reports whether an address has a host and at most one port.
func validHost(u *url.URL) bool {
	return u.Hostname() != "" && (strings.HasPrefix(u.Host, "[") || strings.Count(u.Host, ":") <= 1)
}

func openPath(ctx context.Context, cfg Config, path string) (source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s does not exist; check the path", ErrNotFound, path)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	case info.IsDir():
		files, err := pictures(path)
		if err != nil {
			return nil, err
		}
		return &stillsSource{cfg: cfg, files: files}, nil
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s is neither a file nor a folder nor /dev/videoN", ErrNotVideo, path)
	case info.Size() == 0:
		return nil, fmt.Errorf("%w: %s is empty; copy it again", ErrNotVideo, path)
	}
	if isPicture(path) {
		return &stillsSource{cfg: cfg, files: []string{path}}, nil
	}
	probe, err := ffmpeg.Probe(ctx, path)
	if err != nil {
		return nil, err
	}
	cfg.Log.Info("opened file", "path", path, "format", probe.Format, "codec", probe.Codec,
		"width", probe.Width, "height", probe.Height, "fps", probe.FPS)
	if probe.Still() {
		return &stillsSource{cfg: cfg, files: []string{path}}, nil
	}
	s := &fileSource{cfg: cfg, path: path, fps: probe.FPS}
	if s.packets = howPackets(ctx, &s.cfg, path, probe); s.packets != nil {
		s.outlet = newOutlet(&s.cfg, s.packets)
	}
	return s, nil
}

// pictureTypes are the file names that count as pictures in a folder.
var pictureTypes = []string{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}

func isPicture(name string) bool {
	return slices.Contains(pictureTypes, strings.ToLower(filepath.Ext(name)))
}

// pictures lists the pictures of a folder in the order of their names.
func pictures(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && isPicture(e.Name()) {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: folder %s holds no pictures; it wants files ending in %s",
			ErrNotVideo, folder, strings.Join(pictureTypes, " "))
	}
	return files, nil
}
