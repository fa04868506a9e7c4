package setup

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

func door() Entry {
	return Entry{Name: "door", Source: "rtsp://u:p@192.0.2.1/sub#x: y", Record: "rtsp://u:p@192.0.2.1/main", Comments: []string{"Acme Eye"}}
}

const doorText = `  door:
    # Acme Eye
    source: "rtsp://u:p@192.0.2.1/sub#x: y"
    record:
      source: rtsp://u:p@192.0.2.1/main
`

func merged(t *testing.T, text string, force bool, entries ...Entry) (string, error) {
	t.Helper()
	f, err := ParseFile([]byte(text))
	require.NoError(t, err)
	out, err := f.Merge(entries, force)
	return string(out), err
}

func TestSectionIsAConfiguration(t *testing.T) {
	text := Section([]Entry{door()})
	require.Equal(t, "cameras:\n"+doorText, text)
	c, err := config.ParseCamera([]byte(text))
	require.NoError(t, err)
	require.Equal(t, door().Source, c.Source)
	require.Equal(t, door().Record, c.Record.Source)
	require.Empty(t, Section(nil))
}

func TestMergeAdds(t *testing.T) {
	for before, after := range map[string]string{
		"":                          "cameras:\n" + doorText,
		"# mine\nthing: home\n":     "# mine\nthing: home\ncameras:\n" + doorText,
		"cameras: {} # none yet\n":  "cameras: # none yet\n" + doorText,
		"cameras:\nthing: home":     "cameras:\n" + doorText + "thing: home\n",
		"cameras: null\n":           "cameras:\n" + doorText,
		"thing: home\r\nfps: 5\r\n": strings.ReplaceAll("thing: home\nfps: 5\ncameras:\n"+doorText, "\n", "\r\n"),
		"cameras:   # all of them\n  # the first\n  yard:   # at the back\n    source: x   # \"old\"\n    # its end\n\n# below\nthing:   home # me\n": "cameras:   # all of them\n  # the first\n  yard:   # at the back\n    source: x   # \"old\"\n    # its end\n" + doorText + "\n# below\nthing:   home # me\n",
		"cameras:\n    yard: {source: x}\n": "cameras:\n    yard: {source: x}\n" + "    door:\n      # Acme Eye\n      source: \"rtsp://u:p@192.0.2.1/sub#x: y\"\n      record:\n        source: rtsp://u:p@192.0.2.1/main\n",
	} {
		got, err := merged(t, before, false, door())
		require.NoError(t, err, before)
		require.Equal(t, after, got)
	}
}

func TestMergeKeepsWhatIsThere(t *testing.T) {
	const before = "cameras:\n  door:\n    source: old # mine\n    fps: 3\n"
	got, err := merged(t, before, false, door())
	require.NoError(t, err)
	require.Equal(t, before, got)
}

func TestMergeByForce(t *testing.T) {
	for before, after := range map[string]string{
		"cameras:\n  door:\n    source: old # mine\n    fps: 3\n": "cameras:\n  door:\n    source: \"rtsp://u:p@192.0.2.1/sub#x: y\" # mine\n    record:\n      source: rtsp://u:p@192.0.2.1/main\n    fps: 3\n",
		"cameras:\n  \"door\":\n    fps: 3\n    source: \"old # x\"\n    record: # best\n      audio: false\n      source: old\n  yard:\n    source: y\n": "cameras:\n  \"door\":\n    fps: 3\n    source: \"rtsp://u:p@192.0.2.1/sub#x: y\"\n    record: # best\n      audio: false\n      source: rtsp://u:p@192.0.2.1/main\n  yard:\n    source: y\n",
		"cameras:\n  door:\n    record:\n      audio: false\n    source: old\n":                                                                           "cameras:\n  door:\n    record:\n      source: rtsp://u:p@192.0.2.1/main\n      audio: false\n    source: \"rtsp://u:p@192.0.2.1/sub#x: y\"\n",
	} {
		got, err := merged(t, before, true, door())
		require.NoError(t, err, before)
		require.Equal(t, after, got)
	}
}

func TestMergeKeepsASignIn(t *testing.T) {
	entry := Entry{Name: "door", Source: "rtsp://192.0.2.1/sub", Record: "rtsp://192.0.2.1/main"}
	got, err := merged(t, "cameras:\n  door:\n    source: rtsp://u:p%40@192.0.2.1:554/old\n", true, entry)
	require.NoError(t, err)
	require.Equal(t, "cameras:\n  door:\n    source: rtsp://u:p%40@192.0.2.1/sub\n    record:\n      source: rtsp://u:p%40@192.0.2.1/main\n", got)
	require.Equal(t, "rtsp://192.0.2.9/sub", signedInAs("rtsp://u:p@192.0.2.1/old", "rtsp://192.0.2.9/sub"), "another camera's")
	require.Empty(t, signedInAs("rtsp://u:p@192.0.2.1/old", ""))
}

func TestMergeRefusesWhatItWouldSpoil(t *testing.T) {
	for _, before := range []string{
		`{"cameras": {"yard": {"source": "x"}}}`,
		"cameras: {yard: {source: x}}\n",
		"cameras:\n  yard: &a\n    source: x\n  shed: *a\nother: |\n  cameras:\n",
	} {
		got, err := merged(t, before, false, door())
		if err == nil {
			require.Contains(t, got, before[:20], "or added rightly")
			continue
		}
		require.ErrorIs(t, err, ErrFile, before)
		require.ErrorContains(t, err, "by hand")
	}
	_, err := merged(t, "cameras:\n  door: {source: x}\n", true, door())
	require.ErrorIs(t, err, ErrFile)

	var many []Entry
	for n := range mostCameras + 1 {
		many = append(many, Entry{Name: "c" + strings.Repeat("x", n), Source: "y"})
	}
	_, err = merged(t, "", false, many...)
	require.ErrorContains(t, err, "32 is the most")
	_, err = ParseFile([]byte("cameras: [a]"))
	require.ErrorIs(t, err, ErrFile)
	_, err = ParseFile([]byte("cameras:\n  a:\n   source: rtsp://u:hunter2@h\n  - b"))
	require.ErrorIs(t, err, ErrFile)
	require.NotContains(t, err.Error(), "hunter2")
}

// Whatever the file: it stays what it was but for what is added, or it is
// refused.
func FuzzMerge(f *testing.F) {
	for _, text := range []string{
		"", "cameras:\n", "cameras: {}\n", "cameras:\n  a:\n    source: x\n", "{}", "a: |\n cameras:\n\ncameras:\n  b: {source: c} # d\n",
		"cameras:\n  door:\n    source: \"x\n      y\"\n    record:\n      audio: no\n", "\"cameras\" : ~\n", "---\ncameras:\n  a: 1\n...\n", "a: 'x\n\ncameras:'\n",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, force bool) {
		file, err := ParseFile([]byte(text))
		if err != nil {
			return
		}
		out, err := file.Merge([]Entry{door()}, force)
		if err != nil {
			require.ErrorIs(t, err, ErrFile)
			return
		}
		tree, err := parse(string(out))
		require.NoError(t, err)
		require.Contains(t, tree["cameras"], "door")
	})
}
