package rekognition

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

var errNoDetector = errors.New("no detector is known here: run the local cloud with porchlight up, after make build")

// errDetector: the detector did not do its work.
var errDetector = errors.New("the detector failed")

const (
	maxOutput = 1 << 20 // bytes; a line is some 200
	maxLog    = 4 << 10 // bytes of what the detector says when it fails
	maxSeen   = 1000
	// pictureName begins the names of the files of pictures.
	pictureName = "look-"
	// lastWords is how long a detector that was stopped may hold its output open.
	lastWords = 2 * time.Second
)

// sighting is one line of porchlight detect --json.
type sighting struct {
	Width  float64    `json:"width"`
	Height float64    `json:"height"`
	Label  string     `json:"label"`
	Score  float64    `json:"score"` // 0 to 1
	Box    [4]float64 `json:"box"`   // x0, y0, x1, y1 in pixels
}

func (s sighting) box() box {
	return box{
		Left: s.Box[0] / s.Width, Top: s.Box[1] / s.Height,
		Width: (s.Box[2] - s.Box[0]) / s.Width, Height: (s.Box[3] - s.Box[1]) / s.Height,
	}
}

// valid: all of it is numbers of which a box can be made.
func (s sighting) valid() bool {
	const far = 1e6 // pixels
	for _, x := range s.Box {
		if !(math.Abs(x) <= far) {
			return false
		}
	}
	return s.Label != "" && s.Width >= 1 && s.Width <= far && s.Height >= 1 && s.Height <= far && s.Score >= 0 && s.Score <= 1
}

// detect runs the detector on a picture.
func (s *Service) detect(ctx context.Context, picture []byte, format string, minScore float64) ([]sighting, error) {
	file, err := s.write(picture, format)
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	// The verb takes what scores more than this, and less than 1.
	args := []string{"detect", "--json", "--min-score", strconv.FormatFloat(min(max(minScore-1e-6, 0), 0.999), 'f', 6, 64)}
	if s.cfg.Models != "" {
		args = append(args, "--models", s.cfg.Models)
	}
	if s.cfg.Model != "" {
		args = append(args, "--model", s.cfg.Model)
	}
	cmd := exec.CommandContext(ctx, s.cfg.Program, append(args, "--", file)...)
	var out, log limited
	out.left, log.left = maxOutput, maxLog
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &log, lastWords
	err = cmd.Run()
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: it took longer than %s", errDetector, s.cfg.Timeout)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w: %s", errDetector, err, strings.TrimSpace(log.String()))
	}
	return parseSightings(&out)
}

// write puts the picture where the detector reads it.
func (s *Service) write(picture []byte, format string) (string, error) {
	if s.cfg.Dir != "" {
		if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
			return "", fmt.Errorf("folder of pictures: %w", err)
		}
	}
	f, err := os.CreateTemp(s.cfg.Dir, pictureName+"*."+format)
	if err != nil {
		return "", fmt.Errorf("write picture: %w", err)
	}
	_, err = f.Write(picture)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write picture: %w", err)
	}
	return f.Name(), nil
}

// parseSightings reads JSON Lines.
func parseSightings(in io.Reader) (seen []sighting, err error) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var d sighting
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil || !d.valid() {
			return nil, fmt.Errorf("%w: it says %.80q", errDetector, lines.Text())
		}
		if seen = append(seen, d); len(seen) == maxSeen {
			break
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errDetector, err)
	}
	return seen, nil
}

// limited keeps so much and forgets the rest.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	kept := p[:min(len(p), l.left)]
	l.left -= len(kept)
	l.Buffer.Write(kept)
	return len(p), nil
}
