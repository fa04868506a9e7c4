package update

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"porchlight/internal/edge/update/fetch"
	"porchlight/internal/modelstore"
)

// ErrDocument is a job document that this device does not carry out.
var ErrDocument = errors.New("the job cannot be done by this device")

// Actions of a job.
const (
	ActionModel    = "update_model"
	ActionSoftware = "update_software"
)

// documentVersion is the only one there is.
const documentVersion = 1

// Bounds of an update.
const (
	maxUpdate = 1 << 30  // bytes to download
	maxProbe  = 10 << 20 // bytes of a probe picture
)

// Document is what a job asks for. Fields that do not belong to the action
// must be absent, and so must any that are not listed here: a device does
// nothing that it understands only in part.
type Document struct {
	Porchlight int    `json:"porchlight"` // version of this form: 1
	Action     string `json:"action"`
	Signature  string `json:"signature,omitempty"` // base64, of Signed

	// Of update_model: the entry of a manifest, whose files all have bytes and
	// sha256, where those files are, and label lists that devices do not know.
	Model  *modelstore.Model   `json:"model,omitempty"`
	Labels map[string][]string `json:"labels,omitempty"`
	Files  []Location          `json:"files,omitempty"`
	Probe  *Probe              `json:"probe,omitempty"`

	// Of update_software: one program, or a tar.gz with "camera" at its top.
	Version  string `json:"version,omitempty"`
	Platform string `json:"platform,omitempty"` // like linux-arm64; another one's devices reject the job; "": any
	URL      string `json:"url,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	Size     int64  `json:"size,omitempty"` // bytes
}

// Location says where a file of a model is.
type Location struct {
	Name string `json:"name"` // as in the manifest entry
	URL  string `json:"url"`  // https:// or s3://bucket/key
}

// Probe is a picture, JPEG or PNG, in which the new model must see something.
type Probe struct {
	URL      string  `json:"url"`
	SHA256   string  `json:"sha256"`
	Size     int64   `json:"size"` // bytes
	Label    string  `json:"label"`
	MinScore float64 `json:"min_score"` // 0..1
}

// readAction reads what form a document has, and what it asks for, before
// anything else: the rest may be of tomorrow.
func readAction(data []byte) (string, error) {
	var form struct {
		Porchlight *int   `json:"porchlight"`
		Action     string `json:"action"`
	}
	if err := json.Unmarshal(data, &form); err != nil || form.Porchlight == nil {
		return "", fmt.Errorf("%w: it is not a job of Porchlight: \"porchlight\": 1 is missing", ErrDocument)
	}
	if *form.Porchlight != documentVersion {
		return "", fmt.Errorf("%w: its form is version %d, and this software knows version %d: update the software first", ErrDocument, *form.Porchlight, documentVersion)
	}
	if form.Action != ActionModel && form.Action != ActionSoftware {
		return "", fmt.Errorf("%w: action %.40q: want %s or %s", ErrDocument, form.Action, ActionModel, ActionSoftware)
	}
	return form.Action, nil
}

// ParseDocument reads a job document. known are the label lists of the device.
// Errors wrap ErrDocument.
func ParseDocument(data []byte, known map[string][]string) (*Document, error) {
	if _, err := readAction(data); err != nil {
		return nil, err
	}
	var d Document
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if err := d.Validate(known); err != nil {
		return nil, err
	}
	return &d, nil
}

// Validate reports what makes the document unfit, wrapped in ErrDocument.
// known are the label lists of devices.
func (d *Document) Validate(known map[string][]string) error {
	var err error
	switch {
	case d.Porchlight != documentVersion:
		err = fmt.Errorf("porchlight: %d: want %d", d.Porchlight, documentVersion)
	case d.Action == ActionModel:
		err = d.validateModel(known)
	case d.Action == ActionSoftware:
		err = d.validateSoftware()
	default:
		err = fmt.Errorf("action %.40q: want %s or %s", d.Action, ActionModel, ActionSoftware)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return nil
}

func (d *Document) validateModel(known map[string][]string) error {
	switch {
	case d.Version != "" || d.Platform != "" || d.URL != "" || d.SHA256 != "" || d.Size != 0:
		return errors.New("version, platform, url, sha256 and size do not belong to a model update")
	case d.Model == nil:
		return errors.New("model: missing: give its entry of a manifest")
	case d.Model.Kind != modelstore.KindDetector:
		// Known faces would have to be enrolled again with another embedding.
		return fmt.Errorf("model %s: its kind is %q: only detectors of objects can be updated", d.Model.Name, d.Model.Kind)
	}
	manifest, err := d.manifest()
	if err != nil {
		return err
	}
	if _, err := modelstore.ParseOverlay(manifest, known); err != nil {
		return err
	}
	where := map[string]bool{}
	for _, l := range d.Files {
		if where[l.Name] {
			return fmt.Errorf("files: %s is listed twice", l.Name)
		}
		where[l.Name] = true
		if err := fetch.CheckURL(l.URL); err != nil {
			return fmt.Errorf("files: %s: %w", l.Name, err)
		}
	}
	total := int64(0)
	for _, f := range d.Model.Files {
		if f.Name == "manifest.json" {
			return errors.New("model: a file cannot be named manifest.json")
		}
		if f.Bytes == 0 || f.SHA256 == "" {
			return fmt.Errorf("model: file %s: an update wants its exact bytes and sha256", f.Name)
		}
		if !where[f.Name] {
			return fmt.Errorf("files: where %s is, is missing", f.Name)
		}
		delete(where, f.Name)
		total += f.Bytes
	}
	if len(where) > 0 {
		return errors.New("files: there is one that the model does not have")
	}
	if total > maxUpdate {
		return fmt.Errorf("it is %d bytes: want at most %d", total, maxUpdate)
	}
	return d.Probe.validate()
}

func (p *Probe) validate() error {
	switch {
	case p == nil:
		return nil
	case !isSHA256(p.SHA256):
		return errors.New("probe: sha256: want 64 hexadecimal digits in lower case")
	case p.Size < 1 || p.Size > maxProbe:
		return fmt.Errorf("probe: size %d: want 1 to %d bytes", p.Size, maxProbe)
	case p.Label == "" || !(p.MinScore >= 0 && p.MinScore <= 1):
		return errors.New("probe: want a label and a min_score of 0 to 1")
	}
	return fetch.CheckURL(p.URL)
}

func (d *Document) validateSoftware() error {
	switch {
	case d.Model != nil || d.Labels != nil || d.Files != nil || d.Probe != nil:
		return errors.New("model, labels, files and probe do not belong to a software update")
	case !versionPattern().MatchString(d.Version) || strings.HasPrefix(d.Version, "current") || strings.HasSuffix(d.Version, ".new"):
		return fmt.Errorf("version %.40q: want 1 to 64 letters, digits and . _ + -, the first a letter or digit", d.Version)
	case !isSHA256(d.SHA256):
		return errors.New("sha256: want 64 hexadecimal digits in lower case")
	case d.Size < 1 || d.Size > maxUpdate:
		return fmt.Errorf("size %d: want 1 to %d bytes", d.Size, maxUpdate)
	}
	return fetch.CheckURL(d.URL)
}

// manifest is what the overlay's manifest.json will hold. The addresses are
// left out: the files are beside it.
func (d *Document) manifest() ([]byte, error) {
	return json.Marshal(modelstore.Manifest{Models: []modelstore.Model{*d.Model}, Labels: d.Labels})
}

func isSHA256(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == 32 && s == hex.EncodeToString(sum)
}

// versionPattern keeps versions fit to be names of folders.
func versionPattern() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`) }
