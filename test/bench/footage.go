package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/internal/vision/visiontest"
	"porchlight/models"
)

// footage is what cameras show, and the model that sees persons on it.
type footage struct {
	about  string
	clip   string // video file with persons now and then
	still  string // its beginning, where nothing happens, again and again
	models string // folder
	model  string // name
	real   bool   // budgets are about real footage
	every  *pass  // the whole clip looked at frame by frame, once made

	folder      string // of the real clips; empty without
	annotations fs.FS  // of the real clips
	checkout    string
}

// Nothing happens in the first seconds of the clips. The still scene repeats
// them to last a minute.
const (
	stillSeconds = 5.5
	stillRepeats = 11
)

// openFootage takes the real clip and model from PORCHLIGHT_TESTDATA, which may
// be relative to the checkout, or makes a clip and a network that sees it.
func openFootage(ctx context.Context, root, dir string) (*footage, error) {
	f := &footage{still: filepath.Join(dir, "still.mp4"), checkout: root}
	if data := os.Getenv("PORCHLIGHT_TESTDATA"); data != "" {
		if !filepath.IsAbs(data) {
			data = filepath.Join(root, data)
		}
		f.folder, f.annotations = filepath.Join(data, "footage"), os.DirFS(filepath.Join(root, "test", "footage", "annotations"))
		f.real, f.about = true, "one-by-one-person-detection.mp4, yolox-nano"
		f.clip, f.models, f.model = filepath.Join(data, "footage", "one-by-one-person-detection.mp4"), filepath.Join(data, "models"), "yolox-nano"
	} else {
		f.about = "made here (PORCHLIGHT_TESTDATA is not set), " + visiontest.Model
		f.clip, f.models, f.model = filepath.Join(dir, "clip.mp4"), filepath.Join(dir, "models"), visiontest.Model
		if err := os.MkdirAll(f.models, 0o755); err != nil {
			return nil, err
		}
		if _, err := visiontest.WriteSyntheticSSD(f.models); err != nil {
			return nil, err
		}
		if err := drawClip(ctx, f.clip); err != nil {
			return nil, err
		}
	}
	once := filepath.Join(dir, "once.mp4")
	if err := ffmpeg(ctx, nil, "-i", f.clip, "-t", fmt.Sprint(stillSeconds), "-an", "-c:v", "libx264", "-crf", "18", once); err != nil {
		return nil, err
	}
	return f, ffmpeg(ctx, nil, "-stream_loop", strconv.Itoa(stillRepeats-1), "-i", once, "-c", "copy", f.still)
}

// judge keeps a verdict only where it is one about real footage.
func (f *footage) judge(verdict string) string {
	if f.real {
		return verdict
	}
	return "(not real footage)"
}

// detector opens the model, as the component does.
func (f *footage) detector() (*vision.Detector, error) {
	store, err := modelstore.New(modelstore.Config{Dir: f.models, Manifest: models.Manifest()})
	if err != nil {
		return nil, err
	}
	return vision.Open(store, f.model, pipeline.WeakScore)
}

// drawClip paints a red square, a person to the synthetic network, that
// crosses a gray scene twice.
func drawClip(ctx context.Context, file string) error {
	const width, height, fps = 640, 360, 10
	var raw bytes.Buffer
	for _, part := range []struct {
		seconds int
		person  bool
	}{{8, false}, {6, true}, {8, false}, {6, true}} {
		frames := part.seconds * fps
		for i := range frames {
			var objects []visiontest.Object
			if part.person {
				objects = append(objects, visiontest.Object{Label: "person", X: 0.8 * float64(i) / float64(frames), Y: 0.4})
			}
			raw.Write(visiontest.Scene(width, height, objects...).Pix)
		}
	}
	return ffmpeg(ctx, raw.Bytes(), "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", fmt.Sprintf("%dx%d", width, height),
		"-r", strconv.Itoa(fps), "-i", "-", "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", file)
}

func ffmpeg(ctx context.Context, stdin []byte, args ...string) error {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return nil
}
