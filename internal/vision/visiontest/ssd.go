// Package visiontest makes a detection network and pictures for it, so that
// tests of everything between a picture and an event run without downloads.
//
// The network is a real Caffe SSD of a few hundred bytes that sees saturated
// rectangles a fifth of the frame wide and high: red ones are persons, green
// ones dogs, blue ones cars. White, gray and black are nothing to it.
package visiontest

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the network's description
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"

	"porchlight/internal/modelstore"
)

// Model names the synthetic network.
const Model = "synthetic-ssd"

//go:embed synthetic_ssd.prototxt
var prototxt string

// WriteSyntheticSSD writes the network into dir, with a manifest.json so that
// any store of that directory knows it by the name Model.
func WriteSyntheticSSD(dir string) (modelstore.Model, error) {
	m := modelstore.Model{
		Name: Model, Kind: "detector", Decoder: "detection_output", Format: "caffe", License: "Apache-2.0",
		Input: modelstore.Input{
			Width: 300, Height: 300, Fit: "stretch", Channels: "bgr",
			Mean: [3]float64{127.5, 127.5, 127.5}, Scale: 1 / 127.5,
		},
		LabelList: "colors", Score: 0.3,
	}
	for _, f := range []struct {
		name, role string
		data       []byte
	}{
		{"synthetic_ssd.prototxt", modelstore.RoleConfig, []byte(prototxt)},
		{"synthetic_ssd.caffemodel", modelstore.RoleWeights, weights()},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return modelstore.Model{}, err
		}
		sum := sha256.Sum256(f.data)
		m.Files = append(m.Files, modelstore.File{
			Name: f.name, Role: f.role, Bytes: int64(len(f.data)), SHA256: hex.EncodeToString(sum[:]),
		})
	}
	data, err := json.Marshal(modelstore.Manifest{
		Models: []modelstore.Model{m},
		Labels: map[string][]string{"colors": {"background", "person", "dog", "car"}},
	})
	if err != nil {
		return modelstore.Model{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o644); err != nil {
		return modelstore.Model{}, err
	}
	parsed, err := modelstore.ParseManifest(data)
	if err != nil {
		return modelstore.Model{}, err
	}
	return parsed.Models[0], nil
}

// weights is the network's caffemodel: the parameters of its three
// convolutions in protobuf wire format, as caffe.proto numbers the fields.
func weights() []byte {
	// Inputs run from -1 to 1 in the order blue, green, red. A channel answers
	// 1.5 to its own pure color and, after the ReLU, 0 to any gray.
	color := []float32{-1, -1, 1, -1, 1, -1, 1, -1, -1} // red, green, blue
	// The logit of a color is 6 where it fills the window, that of the
	// background always 3: softmax gives 0.95 when full, 0.5 at 3/4.
	conf := []float32{0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8}
	return bytes.Join([][]byte{
		layer("color", blob(color, 3, 3, 1, 1), blob([]float32{-1.5, -1.5, -1.5}, 3)),
		layer("loc", blob(make([]float32, 12), 4, 3, 1, 1), blob(make([]float32, 4), 4)),
		layer("conf", blob(conf, 4, 3, 1, 1), blob([]float32{3, -6, -6, -6}, 4)),
	}, nil)
}

// layer is a LayerParameter inside a NetParameter.
func layer(name string, blobs ...[]byte) []byte {
	body := append(field(1, []byte(name)), field(2, []byte("Convolution"))...)
	for _, b := range blobs {
		body = append(body, field(7, b)...)
	}
	return field(100, body)
}

// blob is a BlobProto.
func blob(data []float32, shape ...byte) []byte {
	var raw []byte
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return append(field(7, field(1, shape)), field(5, raw)...) // packed
}

// field is one length-delimited field.
func field(number uint64, data []byte) []byte {
	out := binary.AppendUvarint(nil, number<<3|2)
	out = binary.AppendUvarint(out, uint64(len(data)))
	return append(out, data...)
}
