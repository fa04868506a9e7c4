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
	"reflect"
	"time"

	"github.com/goccy/go-yaml"
)

// ErrInvalid is wrapped by every error about the content of a configuration.
var ErrInvalid = errors.New("invalid configuration")

// Config of a gateway or standalone camera.
type Config struct {
	Thing         string            `config:"thing"`     // AWS IoT thing name
	StateDir      string            `config:"state_dir"` // spool and open events live here
	Detector      Detector          `config:"detector"`
	Recognition   Recognition       `config:"recognition"`
	IoT           IoT               `config:"iot"`
	Cloud         Cloud             `config:"cloud"`
	Spool         Spool             `config:"spool"`
	Recordings    Recordings        `config:"recordings"`
	Video         Video             `config:"video"`
	Page          Page              `config:"page"`
	LAN           LAN               `config:"lan"`
	Sensors       map[string]Sensor `config:"sensors"` // by sensor name
	HomeAssistant HomeAssistant     `config:"home_assistant"`
	Updates       Updates           `config:"updates"`
	ClientFrames  ClientFrames      `config:"client_frames"`
	Cameras       map[string]Camera `config:"cameras"` // by camera name
	Provisioning  Provisioning      `config:"provisioning"`
}

// Detector chooses and tunes the object detector.
type Detector struct {
	Model    string  `config:"model"`     // name in the model manifest; empty: the best one installed
	Models   string  `config:"models"`    // folder of model files
	MinScore float64 `config:"min_score"` // 0..1
	Threads  int     `config:"threads"`   // per inference
}

// Recognition says whose faces are known to the cameras that look for faces.
type Recognition struct {
	Gallery string `config:"gallery"` // file of enrolled persons; empty: faces stay without a name
	Model   string `config:"model"`   // name in the model manifest; empty: the first embedding model installed
}

// IoT says how to reach AWS IoT Core with the thing's certificate. Under
// Greengrass the nucleus does, and the section stays empty.
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

// Page is the component's own page on the local network.
type Page struct {
	Listen string `config:"listen"`              // host:port; empty: off
	Token  string `config:"token" secret:"true"` // a visitor must know it; at least 16 characters
}

func defaults() Config {
	return Config{
		Detector:     Detector{MinScore: 0.5, Threads: 2},
		Cloud:        Cloud{Region: "us-east-1"},
		Spool:        Spool{MaxBytes: 64 << 20, MaxAge: 7 * 24 * time.Hour},
		Recordings:   Recordings{MinFree: 1 << 30},
		Video:        Video{Retention: 7 * 24 * time.Hour},
		ClientFrames: ClientFrames{ImageKey: "face_image", Size: 240, MinFace: 20},

		HomeAssistant: HomeAssistant{Prefix: "homeassistant"},
		Updates:       Updates{Models: true},
	}
}

// Load reads the YAML (or JSON) file of a component that runs on its own and
// validates it, the section iot included.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(data)
	if err == nil {
		err = c.CheckIoT()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads YAML or JSON, fills in defaults and validates all but the
// section iot: see CheckIoT.
func Parse(data []byte) (*Config, error) {
	tree, err := parseTree(data)
	if err != nil {
		return nil, err
	}
	c := defaults()
	if err := decodeStruct("", tree, reflect.ValueOf(&c).Elem()); err != nil {
		return nil, err
	}
	c.leaveRegionOpen(tree)
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &c, nil
}

func parseTree(data []byte) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		// Without the lines around the fault, which may hold a camera's password.
		return nil, fmt.Errorf("%w: %s", ErrInvalid, redact(yaml.FormatError(err, false, false)))
	}
	return tree, nil
}
