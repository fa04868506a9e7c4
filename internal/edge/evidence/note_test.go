package evidence

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

func TestSpending(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	evening := time.Date(2026, 11, 20, 23, 59, 58, 0, zone)
	n := &note{}
	require.EqualValues(t, 10, n.spend(10, evening))
	require.EqualValues(t, 15, n.spend(5, evening.Add(time.Second)))
	require.EqualValues(t, 3, n.spend(3, evening.Add(3*time.Second)), "it is midnight where the device is")
	require.EqualValues(t, 5, n.spend(2, evening), "a clock that is set back a little begins no new day")
	require.EqualValues(t, 6, n.spend(1, evening.Add(24*time.Hour)))
	require.EqualValues(t, 1, n.spend(1, evening.Add(-72*time.Hour)), "a clock that was far ahead does")
}

func TestNotesSurvive(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "evidence", "home.door.json")
	n, err := readNote(file)
	require.NoError(t, err)
	require.Zero(t, n)
	n = note{Day: "2026-11-20", Bytes: 12, Manual: &manual{Begin: noon, Until: noon.Add(time.Minute)}}
	require.NoError(t, n.write(file))
	again, err := readNote(file)
	require.NoError(t, err)
	require.Equal(t, n, again)
	for _, bad := range []string{"{", `{"bytes":"many"}`, string(make([]byte, maxNote+1))} {
		require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
		_, err = readNote(file)
		require.Error(t, err)
	}
	require.NoError(t, os.WriteFile(file, []byte(`{"day":"2026-11-20","bytes":-5}`), 0o600))
	n, err = readNote(file)
	require.NoError(t, err)
	require.Zero(t, n.Bytes)
}

func FuzzNote(f *testing.F) {
	for _, seed := range []string{`{"day":"2026-11-20","bytes":12}`, `{"manual":{"begin":"2026-11-20T12:00:00Z","until":"2026-11-20T13:00:00Z"}}`, `{"bytes":-1}`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "note.json")
		require.NoError(t, os.WriteFile(file, data, 0o600))
		if n, err := readNote(file); err == nil {
			require.GreaterOrEqual(t, n.Bytes, int64(0))
			require.GreaterOrEqual(t, n.spend(1, noon), int64(1))
		}
	})
}

// What passes by itself is not told; what lasts is, once, and its end too.
func TestHealth(t *testing.T) {
	t.Parallel()
	full := Stats{Record: recording.Stats{State: recording.Full, Err: errors.New("no room")}}
	waiting := Stats{Upload: producer.Stats{State: producer.Waiting, Fault: "offline"}}
	refused := Stats{Upload: producer.Stats{State: producer.Faulty, Fault: "denied"}}
	gone := Stats{Stream: "camera cannot be reached"}
	trying := Stats{Upload: producer.Stats{State: producer.Sending}}
	well := Stats{Record: recording.Stats{State: recording.Recording}, Upload: producer.Stats{State: producer.Sending, Persisted: 1}}
	type at struct {
		seconds int
		stats   Stats
		over    bool
		want    string // "" is nothing new, "well" that all is well again
	}
	for name, steps := range map[string][]at{
		"a full disk":     {{0, full, false, ""}, {29, full, false, ""}, {30, full, false, "no room"}, {31, full, false, ""}, {32, well, false, "well"}},
		"a short outage":  {{0, waiting, false, ""}, {170, waiting, false, ""}, {171, well, false, ""}, {300, waiting, false, ""}},
		"a long outage":   {{0, waiting, false, ""}, {90, trying, false, ""}, {180, waiting, false, "offline"}, {181, trying, false, ""}, {190, well, false, "well"}},
		"no permission":   {{0, refused, false, ""}, {30, refused, false, "denied"}, {40, well, false, "well"}},
		"a main stream":   {{0, gone, false, ""}, {30, gone, false, "record.source"}, {31, well, false, "well"}},
		"over the budget": {{0, well, true, "daily_bytes"}, {1, refused, true, ""}, {100, well, false, "well"}},
	} {
		h := health{}
		for _, s := range steps {
			s.stats.Over = s.over
			message, changed := h.judge(s.stats, noon.Add(time.Duration(s.seconds)*time.Second))
			require.Equal(t, s.want != "", changed, "%s after %d s: %s", name, s.seconds, message)
			switch s.want {
			case "":
			case "well":
				require.Empty(t, message, name)
			default:
				require.Contains(t, message, s.want, name)
			}
		}
	}
}
