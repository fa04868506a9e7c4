package truth_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"porchlight/test/footage/truth"
)

const clipFile = `{"clip": "a.mp4", "fps": 10, "frames": 300, "duration_s": 30, "last_frame_s": 29.9, "note": "a garden",
 "happenings": [
  {"label": "person", "labels": ["person", "bicycle"], "start_s": 1, "end_s": 4.5, "enters_s": 0.5, "leaves_s": 5, "note": "a cyclist"},
  {"label": "car", "labels": ["car"], "start_s": 10, "end_s": 20}],
 "unsure": [{"label": "cat", "labels": ["cat"], "start_s": 6, "end_s": 7}]}`

const tracksFile = `{"clip": "a.mp4", "fps": 10, "from_s": 0, "to_s": 20, "labels": ["person", "dog"], "note": "all", "objects": [
  {"id": 3, "label": "person", "note": "in red", "boxes": [[1, 0.1, 0.2, 0.3, 0.4], [2, 0.2, 0.2, 0.5, 0.4], [3], [5, 0, 0, 0.1, 0.1], [6, 0, 0, 0.1, 0.1]]},
  {"id": 7, "label": "dog", "boxes": [[2, 0.5, 0.5, 0.6, 0.6]]}]}`

func files(clip, tracks string) fs.FS {
	return fstest.MapFS{"a.mp4.json": {Data: []byte(clip)}, "tracks/a.mp4.json": {Data: []byte(tracks)}, "README.md": {Data: []byte("#")}}
}

func TestLoadClip(t *testing.T) {
	c, err := truth.LoadClip(files(clipFile, tracksFile), "a.mp4")
	require.NoError(t, err)
	enters, leaves := 0.5, 5.0
	require.Equal(t, &truth.Clip{
		Name: "a.mp4", FPS: 10, Frames: 300, Duration: 30, LastFrame: 29.9, Note: "a garden",
		Happenings: []truth.Happening{
			{Label: "person", Labels: []string{"person", "bicycle"}, Start: 1, End: 4.5, Enters: &enters, Leaves: &leaves, Note: "a cyclist"},
			{Label: "car", Labels: []string{"car"}, Start: 10, End: 20},
		},
		Unsure: []truth.Happening{{Label: "cat", Labels: []string{"cat"}, Start: 6, End: 7}},
	}, c)
}

func TestList(t *testing.T) {
	clips, err := truth.Clips(files(clipFile, tracksFile))
	require.NoError(t, err)
	require.Equal(t, []string{"a.mp4"}, clips)
	clips, err = truth.TrackedClips(files(clipFile, tracksFile))
	require.NoError(t, err)
	require.Equal(t, []string{"a.mp4"}, clips)
	_, err = truth.Clips(os.DirFS("testdata/none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestLoadClipRefuses(t *testing.T) {
	_, err := truth.LoadClip(files(clipFile, ""), "b.mp4")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for name, change := range map[string]struct{ from, to, says string }{
		"no JSON":         {`{"clip"`, `{clip`, "after byte"},
		"two values":      {`"end_s": 7}]}`, `"end_s": 7}]} {}`, "more follows"},
		"unknown field":   {`"enters_s"`, `"enter_s"`, "enter_s"},
		"another clip":    {`"a.mp4"`, `"b.mp4"`, `clip is "b.mp4"`},
		"no rate":         {`"fps": 10`, `"fps": 0`, "fps is 0"},
		"no frames":       {`"frames": 300`, `"frames": 0`, "frames is 0"},
		"late last frame": {`29.9`, `30.5`, "last_frame_s is 30.5"},
		"no list":         {`"happenings"`, `"unsure"`, "happenings is missing"},
		"no label":        {`"label": "car", `, ``, "happenings[1]: label is missing"},
		"label not in it": {`["person", "bicycle"]`, `["bicycle"]`, `lack the main label "person"`},
		"empty label":     {`["person", "bicycle"]`, `["person", ""]`, "empty one"},
		"ends too early":  {`"end_s": 4.5`, `"end_s": 0.7`, "from start_s 1 to end_s 0.7"},
		"no end":          {`"end_s": 7`, `"note": ""`, "unsure[0]: it lasts from start_s 6 to end_s 0"},
		"ends too late":   {`"end_s": 20`, `"end_s": 29.95`, "last_frame_s, which is 29.9"},
		"enters too late": {`"enters_s": 0.5`, `"enters_s": 1.5`, "enters_s is 1.5"},
		"leaves early":    {`"leaves_s": 5`, `"leaves_s": 4`, "leaves_s is 4"},
		"small gap":       {`"start_s": 10`, `"start_s": 6.4`, "happenings[1] starts at 6.4"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, clipFile, change.from)
			c, err := truth.LoadClip(files(strings.Replace(clipFile, change.from, change.to, 1), ""), "a.mp4")
			require.ErrorIs(t, err, truth.ErrInvalid)
			require.ErrorContains(t, err, "a.mp4.json")
			require.ErrorContains(t, err, change.says)
			require.Nil(t, c)
		})
	}
	t.Run("too large", func(t *testing.T) {
		_, err := truth.LoadClip(files(clipFile+strings.Repeat(" ", 5<<20), ""), "a.mp4")
		require.ErrorIs(t, err, truth.ErrInvalid)
	})
}

func TestLoadTracksRefuses(t *testing.T) {
	for name, change := range map[string]struct{ from, to, says string }{
		"another clip":     {`"a.mp4"`, `"b.mp4"`, `clip is "b.mp4"`},
		"no rate":          {`"fps": 10`, `"fps": -1`, "fps is -1"},
		"no span":          {`"to_s": 20`, `"to_s": 0`, "covers from_s 0 to to_s 0"},
		"no objects":       {tracksFile, `{"clip": "a.mp4", "fps": 10, "from_s": 0, "to_s": 20, "labels": ["cat"]}`, "objects is missing or empty"},
		"same id":          {`"id": 7`, `"id": 3`, "objects[1]: id 3 is taken"},
		"no label":         {`"label": "dog"`, `"label": ""`, "objects[1], id 7: label \"\" is none of"},
		"no labels":        {`["person", "dog"]`, `[]`, "labels is missing or empty"},
		"another label":    {`["person", "dog"]`, `["person"]`, "id 7: label \"dog\" is none of"},
		"begins gone":      {`[[2, 0.5, 0.5, 0.6, 0.6]]`, `[[2]]`, "must begin with a box"},
		"no boxes":         {`[[2, 0.5, 0.5, 0.6, 0.6]]`, `[]`, "must begin with a box"},
		"four numbers":     {`[2, 0.5, 0.5, 0.6, 0.6]`, `[0.5, 0.5, 0.6, 0.6]`, "keyframe of 4 numbers"},
		"text":             {`[2, 0.5, 0.5, 0.6, 0.6]`, `"here"`, "keyframe"},
		"back in time":     {`[2, 0.2`, `[0.9, 0.2`, "boxes[1] is at 0.9, not after"},
		"gone twice":       {`[5, 0, 0, 0.1, 0.1]`, `[5]`, "boxes[3]: out of view at 5, and already before"},
		"after the end":    {`[6, 0`, `[21, 0`, "boxes[4] is at 21"},
		"inside out":       {`0.3, 0.4`, `0.05, 0.4`, "boxes[0], at 1"},
		"outside":          {`0.3, 0.4`, `0.3, 1.4`, "boxes[0], at 1"},
		"in pixels":        {`0.1, 0.2, 0.3, 0.4`, `10, 20, 30, 40`, "boxes[0], at 1"},
		"of another field": {`"note": "all"`, `"notes": "all"`, "notes"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, tracksFile, change.from)
			got, err := truth.LoadTracks(files("", strings.Replace(tracksFile, change.from, change.to, 1)), "a.mp4")
			require.ErrorIs(t, err, truth.ErrInvalid)
			require.ErrorContains(t, err, change.says)
			require.Nil(t, got)
		})
	}
}

// The repository's own annotations keep to the format, and the tracks of a
// clip tell the same story as its happenings.
func TestAnnotations(t *testing.T) {
	dir := os.DirFS("../annotations")
	clips, err := truth.Clips(dir)
	require.NoError(t, err)
	require.NotEmpty(t, clips)
	loaded := map[string]*truth.Clip{}
	for _, name := range clips {
		loaded[name], err = truth.LoadClip(dir, name)
		require.NoError(t, err)
	}
	tracked, err := truth.TrackedClips(dir)
	require.NoError(t, err)
	for _, name := range tracked {
		t.Run(name, func(t *testing.T) {
			tracks, err := truth.LoadTracks(dir, name)
			require.NoError(t, err)
			clip := loaded[name]
			require.NotNil(t, clip, "a clip with tracks has happenings")
			require.LessOrEqual(t, tracks.To, clip.LastFrame)
			for at := tracks.From; at <= tracks.To; at += 1 / tracks.FPS {
				happens, inView := during(clip, at)
				seen := tracks.At(at)
				if happens {
					require.NotEmpty(t, seen, "at %.2f s a happening is under way", at)
				}
				if !inView {
					require.Empty(t, seen, "at %.2f s nothing happens", at)
				}
			}
		})
	}
}

// during tells whether a happening is under way, and whether any bit of one is in view.
func during(c *truth.Clip, at float64) (happens, inView bool) {
	for _, h := range c.Happenings {
		enters, leaves := h.Start, h.End
		if h.Enters != nil {
			enters = *h.Enters
		}
		if h.Leaves != nil {
			leaves = *h.Leaves
		}
		happens = happens || h.Start <= at && at <= h.End
		inView = inView || enters <= at && at <= leaves
	}
	return happens, inView
}
