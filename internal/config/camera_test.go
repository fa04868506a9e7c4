package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/polygon"
)

const full = `
cooldown: 5m
labels: [person, car, "traffic light"]
alerts: {labels: [person], zones: [drive, porch]}
motion:
  threshold: "40"
  min_area: 0.01
  masks:
    - [[0, 0], [1, "0"], ["1", 0.1], [0, 0.1]]
    - "0,0.9; 1,0.9; 1,1; 0,1"
objects:
  person: {min_score: "0.6", min_area: 0.001, max_area: 0.5}
  car: {min_area: 0.01}
object_masks:
  - polygon: ["0.1,0.1", "0.2,0.1", "0.2,0.2"]
    labels: [car]
  - {polygon: "0.5,0.5; 0.6,0.5; 0.6,0.6"}
zones:
  drive:
    polygon: [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]]
    labels: [person]
    loiter: 10s
    things: "true"
  porch: {polygon: "0.5,0.5; 1,0.5; 1,1; 0.5,1;"}
privacy: true
privacy_masks: [[[0.7, 0], [1, 0], [1, 0.3]]]
faces: {detector: mtcnn, min_size: 60}
`

func shape(t *testing.T, text string) polygon.Polygon {
	t.Helper()
	p, err := polygon.Parse(text)
	require.NoError(t, err)
	return p
}

func TestParseCamera(t *testing.T) {
	want := config.CameraDefaults()
	want.Cooldown = 5 * time.Minute
	want.Labels = []string{"person", "car", "traffic light"}
	want.Alerts = config.Alerts{Labels: []string{"person"}, Zones: []string{"drive", "porch"}}
	want.Motion = config.Motion{Threshold: 40, MinArea: 0.01, Masks: []polygon.Polygon{
		shape(t, "0,0; 1,0; 1,0.1; 0,0.1"), shape(t, "0,0.9; 1,0.9; 1,1; 0,1"),
	}}
	want.Objects = map[string]config.Object{"person": {MinScore: 0.6, MinArea: 0.001, MaxArea: 0.5}, "car": {MinArea: 0.01}}
	want.ObjectMasks = []config.ObjectMask{
		{Polygon: shape(t, "0.1,0.1; 0.2,0.1; 0.2,0.2"), Labels: []string{"car"}},
		{Polygon: shape(t, "0.5,0.5; 0.6,0.5; 0.6,0.6")},
	}
	want.Zones = map[string]config.Zone{
		"drive": {Polygon: shape(t, "0,0.5; 0.5,0.5; 0.5,1; 0,1"), Labels: []string{"person"}, Loiter: 10 * time.Second, Things: true},
		"porch": {Polygon: shape(t, "0.5,0.5; 1,0.5; 1,1; 0.5,1")},
	}
	want.Privacy = true
	want.PrivacyMasks = []polygon.Polygon{shape(t, "0.7,0; 1,0; 1,0.3")}
	want.Faces = config.Faces{Detector: "mtcnn", MinSize: 60}

	got, err := config.ParseCamera([]byte(full))
	require.NoError(t, err)
	require.Equal(t, want, got)

	want.Source = "a.mp4"
	section := strings.ReplaceAll("\nsource: a.mp4"+full, "\n", "\n    ")
	got, err = config.ParseCamera([]byte("detector: {threads: 1}\ncameras:\n  door:" + section))
	require.NoError(t, err)
	require.Equal(t, want, got)
	c, err := config.Parse([]byte(good + "  back:" + section))
	require.NoError(t, err)
	require.Equal(t, want, c.Cameras["back"])
}

func TestParseCameraOfNothing(t *testing.T) {
	for _, text := range []string{"", "labels: []", "cameras: {a: {}}", "cameras: {a: {labels: []}}"} {
		got, err := config.ParseCamera([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, config.CameraDefaults(), got, text)
	}
}

func TestEmptyListIsNotTheDefault(t *testing.T) {
	got, err := config.ParseCamera([]byte("alerts: {labels: []}"))
	require.NoError(t, err)
	require.Empty(t, got.Alerts.Labels)
}

func TestParseCameraRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"cameras: {a: {}, b: {}}":       "cameras: there are 2: keep the one that is meant",
		"cameras: {}":                   "cameras: there are 0",
		"cameras: {a: {fps: 0}}":        "cameras.a.fps: 0: want",
		"fps: 0":                        "fps: 0: want",
		"thing: home":                   "read as the section of one camera: invalid configuration: thing: unknown key",
		"cameras: {a: {}}\nsauce: b":    "sauce: unknown key",
		"[a]":                           "invalid configuration",
		"cameras: {a: {zones: {A: 1}}}": "cameras.a.zones.A: 1: want a section",
	} {
		_, err := config.ParseCamera([]byte(text))
		require.ErrorIs(t, err, config.ErrInvalid, text)
		require.ErrorContains(t, err, want)
	}
}

// many repeats item, with its number in place of %d.
func many(n int, item string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.ReplaceAll(item, "%d", fmt.Sprint(i))
	}
	return strings.Join(items, ", ")
}

func TestCameraErrorsNameThePath(t *testing.T) {
	const triangle = "'0,0; 1,0; 0,1'"
	for edit, want := range map[string]string{
		"cooldown: 25h":                                                   "cooldown: 25h0m0s: want 0s to 24h",
		"cooldown: -1s":                                                   "cooldown: -1s",
		"fps: .nan":                                                       "fps: NaN: want a number",
		"labels: [Person]":                                                `labels[0]: "Person": want a label in lower case`,
		"labels: [person, '']":                                            "labels[1]:",
		"labels: [[a]]":                                                   "labels[0]: [a]: want a text",
		"privacy: perhaps":                                                "privacy: perhaps: want true or false",
		"motion: {threshold: 0}":                                          "motion.threshold: 0: want 1 to 255",
		"motion: {threshold: 256}":                                        "motion.threshold: 256",
		"motion: {min_area: 0.6}":                                         "motion.min_area: 0.6: want a fraction of the picture, 0 to 0.5",
		"motion: {masks: " + triangle + "}":                               "motion.masks: 0,0; 1,0; 0,1: want a list",
		"motion: {masks: [" + many(17, triangle) + "]}":                   "motion.masks: 17 masks: want at most 16",
		"motion: {masks: [" + triangle + ", [[0,0],[1,0]]]}":              "motion.masks[1]: invalid polygon: it has 2 corners",
		"objects: {person: {min_score: 2}}":                               "objects.person.min_score: 2",
		"objects: {person: {min_area: 0.5, max_area: 0.5}}":               "objects.person.max_area: 0.5: want more than min_area, which is 0.5",
		"objects: {Person: {}}":                                           "objects.Person:",
		"objects: [person]":                                               "objects: [person]: want a section for each name",
		"objects: {" + many(101, "a%d: {}") + "}":                         "objects: 101 labels: want at most 100",
		"object_masks: [{labels: [car]}]":                                 "object_masks[0].polygon: missing: give its corners",
		"object_masks: [{polygon: " + triangle + ", labels: [A]}]":        "object_masks[0].labels[0]",
		"object_masks: [[0,0]]":                                           "object_masks[0]: [0 0]: want a section",
		"object_masks: [" + many(257, "{}") + "]":                         "object_masks: 257 items: want at most 256",
		"zones: {drive: {}}":                                              "zones.drive.polygon: missing",
		"zones: {Drive: {polygon: " + triangle + "}}":                     `zones: the name "Drive": want 1 to 32 of a-z`,
		"zones: {drive: {polygon: 5}}":                                    "zones.drive.polygon: 5: want a list of corners",
		"zones: {drive: {polygon: {a: 1}}}":                               "zones.drive.polygon: map[a:1]: want a list of corners",
		"zones: {drive: {polygon: [[0,0],[1],[0,1]]}}":                    "zones.drive.polygon: corner 2: [1]: want two numbers [x,y]",
		"zones: {drive: {polygon: '0,0; 1;0,1'}}":                         "zones.drive.polygon: corner 2: invalid polygon",
		"zones: {drive: {polygon: '0,0; 1,0; 0,1; 1,1'}}":                 "zones.drive.polygon: invalid polygon: the edge from corner 2 to 3 crosses",
		"zones: {drive: {polygon: [" + many(65, "[0,%d]") + "]}}":         "zones.drive.polygon: invalid polygon: it has 65 corners",
		"zones: {drive: {polygon: " + triangle + ", loiter: 2h}}":         "zones.drive.loiter: 2h0m0s: want 0s to 1h",
		"zones: {drive: {polygon: " + triangle + ", labels: [A]}}":        "zones.drive.labels[0]",
		"zones: {drive: {polygon: " + triangle + ", colour: red}}":        "zones.drive.colour: unknown key; the keys here are labels, loiter, polygon, things",
		"zones: {" + many(17, "z%d: {polygon: "+triangle+"}") + "}":       "zones: 17 zones: want at most 16",
		"alerts: {zones: [drive]}":                                        `alerts.zones[0]: there is no zone "drive"; the camera has none`,
		"{alerts: {zones: [a]}, zones: {b: {polygon: " + triangle + "}}}": `alerts.zones[0]: there is no zone "a"; its zones are b`,
		"alerts: {labels: [A]}":                                           "alerts.labels[0]",
		"privacy_masks: [[[0,0],[0,0],[1,1]]]":                            "privacy_masks[0]: invalid polygon: corners 1 and 2 are both at 0,0",
		"faces: {detector: haar}":                                         `faces.detector: "haar": want mtcnn, yunet or ""`,
		"faces: {min_size: 10}":                                           "faces.min_size: 10: want 20 to 1000",
	} {
		t.Run(edit, func(t *testing.T) {
			_, err := config.ParseCamera([]byte(edit))
			require.ErrorIs(t, err, config.ErrInvalid)
			require.ErrorContains(t, err, want)
			if !strings.HasPrefix(edit, "{") {
				edit = "{" + edit + "}"
			}
			_, err = config.Parse([]byte(good + "  x: {source: a, " + edit[1:] + "\n"))
			require.ErrorContains(t, err, "cameras.x."+want)
		})
	}
}

// What polygon says is wrong can be told by its sentinel, too.
func TestPolygonErrorIsOne(t *testing.T) {
	_, err := config.ParseCamera([]byte("privacy_masks: ['0,0; 1,1']"))
	require.ErrorIs(t, err, polygon.ErrInvalid)
}
