package modelstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
)

var (
	modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

func (m *Model) validate() error {
	switch {
	case !modelName.MatchString(m.Name):
		return errors.New("name: want lower-case letters, digits, . _ -")
	case !oneOf(m.Kind, KindDetector, KindFace, KindEmbedding):
		return fmt.Errorf("kind %q: want detector, face or embedding", m.Kind)
	case !oneOf(m.Decoder, DecoderDetectionOutput, DecoderYOLOX, DecoderDarknet, DecoderMTCNN, DecoderYuNet, DecoderEmbedding):
		return fmt.Errorf("decoder %q: want detection_output, yolox, darknet, mtcnn, yunet or embedding", m.Decoder)
	case (m.Kind == KindEmbedding) != (m.Decoder == DecoderEmbedding):
		return fmt.Errorf("kind %q does not go with decoder %q: embedding is the one and the other", m.Kind, m.Decoder)
	case m.HasLandmarks() && m.Kind != KindFace:
		return fmt.Errorf("kind %q does not go with decoder %q: want face", m.Kind, m.Decoder)
	case !oneOf(m.Format, "onnx", "caffe", "tensorflow", "darknet"):
		return fmt.Errorf("format %q: want onnx, caffe, tensorflow or darknet", m.Format)
	case len(m.Labels) == 0 && m.Kind != KindEmbedding:
		return fmt.Errorf("labels %q: no such list", m.LabelList)
	case m.Score < 0 || m.Score > 1 || m.NMS < 0 || m.NMS > 1:
		return errors.New("score and nms: want 0..1")
	}
	if err := m.validateInput(); err != nil {
		return err
	}
	if err := m.validateEmbedding(); err != nil {
		return err
	}
	return m.validateFiles()
}

func (m *Model) validateEmbedding() error {
	e := m.Embedding
	switch {
	case m.Kind != KindEmbedding:
		if e != (Embedding{}) {
			return fmt.Errorf("embedding: not of a model of kind %q", m.Kind)
		}
	case e.Dimension < 1 || e.Dimension > 4096:
		return fmt.Errorf("embedding dimension %d: want 1 to 4096", e.Dimension)
	case !oneOf(e.Crop, CropAligned, CropBox):
		return fmt.Errorf("embedding crop %q: want aligned or box", e.Crop)
	case m.Input.Width != m.Input.Height || m.Input.Width < 8 || m.Input.Width > 1024 || m.Input.Fit != "stretch":
		return errors.New("input: an embedding wants a square of 8 to 1024 pixels, fit stretch")
	case !(e.Margin >= 0 && e.Margin < float64(m.Input.Width)/2) || e.Margin != 0 && e.Crop != CropBox:
		return fmt.Errorf("embedding margin %v: want 0 or, of a box, less than half the input", e.Margin)
	case !(m.Score > 0):
		return errors.New("score: want the cosine from which two faces are one person's")
	case len(m.Labels) > 0 || m.NMS != 0:
		return errors.New("labels and nms: an embedding has none, leave them out")
	}
	return nil
}

func (m *Model) validateInput() error {
	in := m.Input
	letterbox := m.Decoder == DecoderYOLOX || m.Decoder == DecoderYuNet
	switch {
	case m.Decoder == DecoderMTCNN:
		if in != (Input{}) || m.Score != 0 || m.NMS != 0 {
			return errors.New("input, score and nms: mtcnn has its own, leave them out")
		}
	case in.Width < 1 || in.Height < 1 || in.Width > 4096 || in.Height > 4096:
		return fmt.Errorf("input %dx%d: want 1 to 4096 pixels", in.Width, in.Height)
	case !oneOf(in.Fit, "stretch", "letterbox"):
		return fmt.Errorf("input fit %q: want stretch or letterbox", in.Fit)
	case letterbox != (in.Fit == "letterbox"):
		return fmt.Errorf("input fit %q does not go with decoder %q", in.Fit, m.Decoder)
	case !oneOf(in.Channels, "bgr", "rgb"):
		return fmt.Errorf("input channels %q: want bgr or rgb", in.Channels)
	case in.Scale == 0:
		return errors.New("input scale: must not be 0")
	}
	return nil
}

// parts are the networks of a model; one without a name is the only one.
func (m *Model) parts() []string {
	if m.Decoder == DecoderMTCNN {
		return []string{"det1", "det2", "det3"}
	}
	return []string{""}
}

func (m *Model) validateFiles() error {
	type role struct{ part, role string }
	roles, names := map[role]int{}, map[string]bool{}
	for _, f := range m.Files {
		if err := f.validate(); err != nil {
			return fmt.Errorf("file %q: %w", f.Name, err)
		}
		if names[f.Name] {
			return fmt.Errorf("file %q is listed twice", f.Name)
		}
		if !slices.Contains(m.parts(), f.Part) {
			return fmt.Errorf("file %q: part %q: decoder %q has the parts %q", f.Name, f.Part, m.Decoder, m.parts())
		}
		names[f.Name] = true
		roles[role{f.Part, f.Role}]++
	}
	for _, part := range m.parts() {
		if roles[role{part, RoleWeights}] != 1 || roles[role{part, RoleConfig}] > 1 {
			return fmt.Errorf("files of part %q: want one with role weights and at most one with role config", part)
		}
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

func oneOf(s string, options ...string) bool {
	for _, o := range options {
		if s == o {
			return true
		}
	}
	return false
}
