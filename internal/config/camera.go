package config

import (
	"fmt"
	"reflect"
	"time"

	"porchlight/internal/polygon"
)

// Camera is one video source.
type Camera struct {
	Source       string            `config:"source" secret:"true"` // rtsp:// URL, /dev/videoN, a video file or a folder of pictures
	FPS          float64           `config:"fps"`                  // frames per second looked at
	MaxWidth     int               `config:"max_width"`            // pixels; wider pictures are scaled down
	Labels       []string          `config:"labels"`               // what makes an event; empty: people, pets and vehicles
	Aliases      map[string]string `config:"aliases"`              // what the model calls it → what it is, on this camera
	Loop         bool              `config:"loop"`                 // play a file again and again
	Quiet        time.Duration     `config:"quiet"`                // an event ends after this long with nothing active
	Cooldown     time.Duration     `config:"cooldown"`             // after an event, the next alert comes this much later at the earliest
	Alerts       Alerts            `config:"alerts"`               // which events are alerts
	Motion       Motion            `config:"motion"`               // when to look
	Objects      map[string]Object `config:"objects"`              // limits by label
	ObjectMasks  []ObjectMask      `config:"object_masks"`         // where what is found does not count
	Zones        map[string]Zone   `config:"zones"`                // named parts of the picture
	Privacy      bool              `config:"privacy"`              // privacy mode: the source is not even opened
	PrivacyMasks []polygon.Polygon `config:"privacy_masks"`        // burned in before anything looks
	Faces        Faces             `config:"faces"`
	Record       Record            `config:"record"` // video on this device's disk
	Upload       Upload            `config:"upload"` // video that leaves the home
	Live         Live              `config:"live"`   // who may watch it as it happens
}

// Alerts says which events are alerts; the others are detections.
type Alerts struct {
	Labels []string `config:"labels"` // empty: no event is an alert
	Zones  []string `config:"zones"`  // that must be entered; empty: anywhere
}

// Motion tunes the detector of motion.
type Motion struct {
	Threshold int               `config:"threshold"` // plain difference at middle gray, in levels
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

// CameraDefaults returns a camera with all but its source set.
func CameraDefaults() Camera {
	return Camera{
		FPS: 5, MaxWidth: 1280, Labels: defaultLabels(), Quiet: 2 * time.Second,
		Alerts: Alerts{Labels: []string{"person"}}, Motion: Motion{Threshold: 30, MinArea: 0.001}, Faces: Faces{MinSize: 40},
		Record: recordDefaults(), Upload: uploadDefaults(), Live: liveDefaults(),
	}
}

// defaultLabels are the COCO and VOC names of what a home cares about.
func defaultLabels() []string {
	return []string{"person", "bicycle", "car", "motorbike", "motorcycle", "bus", "truck", "cat", "dog"}
}

// setDefaults and complete are called by the decoder, before and after what
// is written.
func (c *Camera) setDefaults() { *c = CameraDefaults() }

func (c *Camera) complete() {
	if len(c.Labels) == 0 {
		c.Labels = defaultLabels()
	}
}

// ParseCamera reads, from YAML or JSON, how one camera is to be watched:
// either its section alone or a configuration with exactly one camera, of
// which nothing but that camera is required. The source may be left out.
func ParseCamera(data []byte) (Camera, error) {
	tree, err := parseTree(data)
	if err != nil {
		return Camera{}, err
	}
	if _, whole := tree["cameras"]; !whole {
		camera := CameraDefaults()
		if err := decodeStruct("", tree, reflect.ValueOf(&camera).Elem()); err != nil {
			return Camera{}, fmt.Errorf("read as the section of one camera: %w", err)
		}
		camera.complete()
		return camera, camera.validate("")
	}
	c := defaults()
	if err := decodeStruct("", tree, reflect.ValueOf(&c).Elem()); err != nil {
		return Camera{}, err
	}
	if len(c.Cameras) != 1 {
		return Camera{}, bad("cameras", "there are %d: keep the one that is meant", len(c.Cameras))
	}
	name := sortedKeys(c.Cameras)[0]
	return c.Cameras[name], c.Cameras[name].validate(join("cameras", name))
}
