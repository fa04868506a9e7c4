package modelstore

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
)

// Manifest lists the models a store knows.
type Manifest struct {
	Models []Model             `json:"models"`
	Labels map[string][]string `json:"labels"` // named lists, by class number
}

// Model is one network as data: its files, and how pictures go in and boxes
// come out.
type Model struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`    // detector or face
	Decoder   string   `json:"decoder"` // detection_output, yolox or darknet
	Format    string   `json:"format"`  // onnx, caffe, tensorflow or darknet
	License   string   `json:"license"`
	Note      string   `json:"note,omitempty"` // for people
	Files     []File   `json:"files"`
	Input     Input    `json:"input"`
	LabelList string   `json:"labels"` // a key of Manifest.Labels
	Score     float64  `json:"score"`  // default threshold, 0..1
	NMS       float64  `json:"nms"`    // IoU above which the weaker box of a label goes; unused by detection_output
	Labels    []string `json:"-"`      // the list that LabelList names
}

// File is one file of a model. Role says what it is to the network: weights,
// of which there is one, or config, of which there may be one.
type File struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"`
	URLs     []string `json:"urls,omitempty"` // tried in order
	Bytes    int64    `json:"bytes,omitempty"`
	MaxBytes int64    `json:"max_bytes,omitempty"` // instead of Bytes where upstream publishes no exact size
	SHA256   string   `json:"sha256,omitempty"`
	SHA1     string   `json:"sha1,omitempty"` // only where upstream publishes nothing better
}

// Input says how a BGR picture becomes the network's input: resized to Width
// by Height pixels, then (value - Mean) * Scale for each channel.
type Input struct {
	Width    int        `json:"width"`
	Height   int        `json:"height"`
	Fit      string     `json:"fit"`           // stretch, or letterbox: shape kept, at the top left
	Pad      float64    `json:"pad,omitempty"` // value around a letterboxed picture, 0..255
	Channels string     `json:"channels"`      // bgr or rgb, the order the network wants
	Mean     [3]float64 `json:"mean"`          // in the order of Channels
	Scale    float64    `json:"scale"`
}

// File roles.
const (
	RoleWeights = "weights"
	RoleConfig  = "config"
)

// ErrManifest is a manifest that cannot be used.
var ErrManifest = errors.New("bad model manifest")

// maxModelBytes bounds what any manifest may make a process read into memory.
const maxModelBytes = 1 << 30

var (
	modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// ParseManifest reads and checks a manifest. Errors wrap ErrManifest and name
// the model and the field.
func ParseManifest(data []byte) (*Manifest, error) {
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	seen := map[string]bool{}
	for i := range m.Models {
		model := &m.Models[i]
		if seen[model.Name] {
			return nil, fmt.Errorf("%w: model %q is listed twice", ErrManifest, model.Name)
		}
		seen[model.Name] = true
		model.Labels = m.Labels[model.LabelList]
		if err := model.validate(); err != nil {
			return nil, fmt.Errorf("%w: model %q: %w", ErrManifest, model.Name, err)
		}
	}
	return &m, nil
}

func (m *Model) validate() error {
	in := m.Input
	switch {
	case !modelName.MatchString(m.Name):
		return errors.New("name: want lower-case letters, digits, . _ -")
	case !oneOf(m.Kind, "detector", "face"):
		return fmt.Errorf("kind %q: want detector or face", m.Kind)
	case !oneOf(m.Decoder, "detection_output", "yolox", "darknet"):
		return fmt.Errorf("decoder %q: want detection_output, yolox or darknet", m.Decoder)
	case !oneOf(m.Format, "onnx", "caffe", "tensorflow", "darknet"):
		return fmt.Errorf("format %q: want onnx, caffe, tensorflow or darknet", m.Format)
	case len(m.Labels) == 0:
		return fmt.Errorf("labels %q: no such list", m.LabelList)
	case in.Width < 1 || in.Height < 1 || in.Width > 4096 || in.Height > 4096:
		return fmt.Errorf("input %dx%d: want 1 to 4096 pixels", in.Width, in.Height)
	case !oneOf(in.Fit, "stretch", "letterbox"):
		return fmt.Errorf("input fit %q: want stretch or letterbox", in.Fit)
	case m.Decoder == "yolox" && in.Fit != "letterbox", m.Decoder != "yolox" && in.Fit != "stretch":
		return fmt.Errorf("input fit %q does not go with decoder %q", in.Fit, m.Decoder)
	case !oneOf(in.Channels, "bgr", "rgb"):
		return fmt.Errorf("input channels %q: want bgr or rgb", in.Channels)
	case in.Scale == 0:
		return errors.New("input scale: must not be 0")
	case m.Score < 0 || m.Score > 1 || m.NMS < 0 || m.NMS > 1:
		return errors.New("score and nms: want 0..1")
	}
	return m.validateFiles()
}

func (m *Model) validateFiles() error {
	roles, names := map[string]int{}, map[string]bool{}
	for _, f := range m.Files {
		if err := f.validate(); err != nil {
			return fmt.Errorf("file %q: %w", f.Name, err)
		}
		if names[f.Name] {
			return fmt.Errorf("file %q is listed twice", f.Name)
		}
		names[f.Name] = true
		roles[f.Role]++
	}
	if roles[RoleWeights] != 1 || roles[RoleConfig] > 1 {
		return errors.New("files: want one with role weights and at most one with role config")
	}
	return nil
}

func (f File) validate() error {
	switch {
	case !fileName.MatchString(f.Name):
		return errors.New("name: want a bare file name of letters, digits, . _ -")
	case !oneOf(f.Role, RoleWeights, RoleConfig):
		return fmt.Errorf("role %q: want weights or config", f.Role)
	case (f.Bytes > 0) == (f.MaxBytes > 0) || f.Limit() < 1 || f.Limit() > maxModelBytes:
		return fmt.Errorf("want either bytes or max_bytes, 1 to %d", maxModelBytes)
	case (f.SHA256 != "") == (f.SHA1 != ""):
		return errors.New("want either sha256 or sha1")
	}
	if sum, err := hex.DecodeString(f.SHA256 + f.SHA1); err != nil || (f.SHA256 != "" && len(sum) != 32) || (f.SHA1 != "" && len(sum) != 20) {
		return errors.New("sha256 or sha1: not a hash in hexadecimal")
	}
	for _, raw := range f.URLs {
		if u, err := url.Parse(raw); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("url %q: want https", raw)
		}
	}
	return nil
}

// Limit is the most bytes the file may have.
func (f File) Limit() int64 { return max(f.Bytes, f.MaxBytes) }

func oneOf(s string, options ...string) bool {
	for _, o := range options {
		if s == o {
			return true
		}
	}
	return false
}
