package modelstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	Kind      string   `json:"kind"`    // detector, face or embedding
	Decoder   string   `json:"decoder"` // how its outputs are read: one of the Decoder constants
	Format    string   `json:"format"`  // onnx, caffe, tensorflow or darknet
	License   string   `json:"license"`
	Note      string   `json:"note,omitempty"` // for people
	Files     []File   `json:"files"`
	Input     Input    `json:"input"`
	LabelList string   `json:"labels"` // a key of Manifest.Labels
	Score     float64  `json:"score"`  // default threshold, 0..1
	NMS       float64  `json:"nms"`    // IoU above which the weaker box of a label goes; unused by detection_output
	Labels    []string `json:"-"`      // the list that LabelList names

	Embedding Embedding `json:"embedding,omitzero"` // of a model that tells faces apart
}

// Embedding says what a model that tells faces apart looks at and gives. Its
// Model.Score is the cosine from which two faces are one person's.
type Embedding struct {
	Dimension int     `json:"dimension"`        // numbers of its output
	Crop      string  `json:"crop"`             // one of the Crop constants
	Margin    float64 `json:"margin,omitempty"` // of a box: pixels of the input around it, both sides together
}

// What of a face a network wants to see.
const (
	CropAligned = "aligned" // its landmarks where face.Template has them
	CropBox     = "box"     // the detector's box, stretched
)

// File is one file of a model. Role says what it is to the network: weights,
// of which there is one, or config, of which there may be one. A model of
// several networks has those for each Part.
type File struct {
	Name     string   `json:"name"`
	Part     string   `json:"part,omitempty"` // which network, where there are several
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

// Decoders. MTCNN and YuNet find faces with their landmarks, an embedding is of
// a face that was found; the others find labeled boxes.
const (
	DecoderDetectionOutput = "detection_output"
	DecoderYOLOX           = "yolox"
	DecoderDarknet         = "darknet"
	DecoderMTCNN           = "mtcnn" // three networks, in the parts det1, det2 and det3
	DecoderYuNet           = "yunet"
	DecoderEmbedding       = "embedding" // one vector; no boxes
)

// Kinds of models.
const (
	KindDetector = "detector" // of objects
	KindFace     = "face"

	KindEmbedding = "embedding" // tells faces apart
)

// ErrManifest is a manifest that cannot be used.
var ErrManifest = errors.New("bad model manifest")

// maxModelBytes bounds what any manifest may make a process read into memory.
const maxModelBytes = 1 << 30

// ParseManifest reads and checks a manifest. Errors wrap ErrManifest and name
// the model and the field.
func ParseManifest(data []byte) (*Manifest, error) { return ParseOverlay(data, nil) }

// ParseOverlay reads and checks the manifest of an overlay, whose models may
// use the label lists that are known already. Errors are as those of
// ParseManifest.
func ParseOverlay(data []byte, known map[string][]string) (*Manifest, error) {
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
		list, own := m.Labels[model.LabelList]
		if !own {
			list = known[model.LabelList]
		}
		model.Labels = list
		if err := model.validate(); err != nil {
			return nil, fmt.Errorf("%w: model %q: %w", ErrManifest, model.Name, err)
		}
	}
	return &m, nil
}

// HasLandmarks tells that the model finds faces with their landmarks, which is
// another work than finding labeled boxes and done by other code.
func (m *Model) HasLandmarks() bool { return oneOf(m.Decoder, DecoderMTCNN, DecoderYuNet) }

// Limit is the most bytes the file may have.
func (f File) Limit() int64 { return max(f.Bytes, f.MaxBytes) }
