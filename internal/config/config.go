// Package config is the one typed configuration of the camera component: the
// same schema whether it comes from porchlight.yaml, a Greengrass component
// configuration or a shadow.
//
// Numbers and booleans are also accepted as strings, because Greengrass
// nucleus lite hands every YAML scalar over as one. An unknown key or a bad
// value is an error that names its path.
package config

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/goccy/go-yaml"

	"porchlight/internal/polygon"
)

// ErrInvalid is wrapped by every error about the content of a configuration.
var ErrInvalid = errors.New("invalid configuration")

// Config of a gateway or standalone camera.
type Config struct {
	Thing    string            `config:"thing"`     // AWS IoT thing name
	StateDir string            `config:"state_dir"` // spool and open events live here
	Detector Detector          `config:"detector"`
	IoT      IoT               `config:"iot"`
	Cloud    Cloud             `config:"cloud"`
	Spool    Spool             `config:"spool"`
	Page     Page              `config:"page"`
	Cameras  map[string]Camera `config:"cameras"` // by camera name
}

// Detector chooses and tunes the object detector.
type Detector struct {
	Model    string  `config:"model"`     // name in the model manifest; empty: the best one installed
	Models   string  `config:"models"`    // folder of model files
	MinScore float64 `config:"min_score"` // 0..1
	Threads  int     `config:"threads"`   // per inference
}

// IoT says how to reach AWS IoT Core with the thing's certificate.
type IoT struct {
	Endpoint            string `config:"endpoint"`             // host:port of MQTT over TLS
	CredentialsEndpoint string `config:"credentials_endpoint"` // host:port of the credentials provider
	RoleAlias           string `config:"role_alias"`
	Certificate         string `config:"certificate"` // PEM file
	PrivateKey          string `config:"private_key"` // PEM file
	CA                  string `config:"ca"`          // PEM file; empty: the system's roots
}

// Cloud says where thumbnails go.
type Cloud struct {
	Region          string `config:"region"`
	Endpoint        string `config:"endpoint"` // AWS endpoint URL; empty: AWS itself
	ThumbnailBucket string `config:"thumbnail_bucket"`
}

// Spool bounds what is kept on disk while the cloud cannot be reached.
type Spool struct {
	MaxBytes int64         `config:"max_bytes"`
	MaxAge   time.Duration `config:"max_age"`
}

// Camera is one video source.
type Camera struct {
	Source       string            `config:"source"`        // rtsp:// URL, /dev/videoN, a video file or a folder of pictures
	FPS          float64           `config:"fps"`           // frames per second looked at
	MaxWidth     int               `config:"max_width"`     // pixels; wider pictures are scaled down
	Labels       []string          `config:"labels"`        // what makes an event; empty: people, pets and vehicles
	Loop         bool              `config:"loop"`          // play a file again and again
	Quiet        time.Duration     `config:"quiet"`         // an event ends after this long with nothing active
	Cooldown     time.Duration     `config:"cooldown"`      // after an event, the next alert comes this much later at the earliest
	Alerts       Alerts            `config:"alerts"`        // which events are alerts
	Motion       Motion            `config:"motion"`        // when to look
	Objects      map[string]Object `config:"objects"`       // limits by label
	ObjectMasks  []ObjectMask      `config:"object_masks"`  // where what is found does not count
	Zones        map[string]Zone   `config:"zones"`         // named parts of the picture
	Privacy      bool              `config:"privacy"`       // privacy mode: the source is not even opened
	PrivacyMasks []polygon.Polygon `config:"privacy_masks"` // burned in before anything looks
	Faces        Faces             `config:"faces"`
}

// Alerts says which events are alerts; the others are detections.
type Alerts struct {
	Labels []string `config:"labels"` // empty: no event is an alert
	Zones  []string `config:"zones"`  // that must be entered; empty: anywhere
}

// Motion tunes the detector of motion.
type Motion struct {
	Threshold int               `config:"threshold"` // gray levels a pixel must differ by
	MinArea   float64           `config:"min_area"`  // fraction of the picture that must change
	Masks     []polygon.Polygon `config:"masks"`     // where motion does not count: trees, a clock
}

// Object limits what counts as an object of one label. Zero is no limit.
type Object struct {
	MinScore float64 `config:"min_score"` // 0..1; 0: the detector's
	MinArea  float64 `config:"min_area"`  // of the box, as a fraction of the picture
	MaxArea  float64 `config:"max_area"`  // likewise
}

// ObjectMask hides objects that stand in it: the middle of their lower edge counts.
type ObjectMask struct {
	Polygon polygon.Polygon `config:"polygon"`
	Labels  []string        `config:"labels"` // empty: all
}

// Zone is a named part of the picture. An object is in it when the middle of
// its lower edge is.
type Zone struct {
	Polygon polygon.Polygon `config:"polygon"`
	Labels  []string        `config:"labels"` // empty: all
	Loiter  time.Duration   `config:"loiter"` // how long an object must stay to have entered
	Things  bool            `config:"things"` // tell when a thing of any kind is left here or taken away
}

// Faces says whether faces are looked for on persons, and how.
type Faces struct {
	Detector string `config:"detector"` // mtcnn, yunet, or empty: off
	MinSize  int    `config:"min_size"` // pixels; smaller faces are passed over
}

// Page is the component's own page on the local network.
type Page struct {
	Listen string `config:"listen"` // host:port; empty: off
	Token  string `config:"token"`  // secret a visitor must know, at least 16 characters
}

// defaultLabels are the COCO and VOC names of what a home cares about.
var defaultLabels = []string{"person", "bicycle", "car", "motorbike", "motorcycle", "bus", "truck", "cat", "dog"}

func defaults() Config {
	return Config{
		Detector: Detector{MinScore: 0.5, Threads: 2},
		Cloud:    Cloud{Region: "us-east-1"},
		Spool:    Spool{MaxBytes: 64 << 20, MaxAge: 7 * 24 * time.Hour},
	}
}

// CameraDefaults returns a camera with all but its source set.
func CameraDefaults() Camera {
	return Camera{
		FPS: 5, MaxWidth: 1280, Labels: defaultLabels, Quiet: 2 * time.Second,
		Alerts: Alerts{Labels: []string{"person"}}, Motion: Motion{Threshold: 20, MinArea: 0.001}, Faces: Faces{MinSize: 40},
	}
}

// Load reads a YAML (or JSON) file and validates it.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads YAML or JSON, fills in defaults and validates.
func Parse(data []byte) (*Config, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		// Without the lines around the fault, which may hold a camera's password.
		return nil, fmt.Errorf("%w: %s", ErrInvalid, redact(yaml.FormatError(err, false, false)))
	}
	c := defaults()
	if err := decode(tree, &c); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &c, nil
}
