package truth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/test/footage/truth"
)

func happening(start, end float64, labels ...string) truth.Happening {
	return truth.Happening{Label: labels[0], Labels: labels, Start: start, End: end}
}

func told(start, end float64, labels ...string) truth.Event {
	return truth.Event{Labels: labels, Start: start, End: end}
}

func TestScore(t *testing.T) {
	two := []truth.Happening{happening(6, 19, "person"), happening(23, 44, "person", "bicycle")}
	for _, c := range []struct {
		name       string
		happenings []truth.Happening
		events     []truth.Event
		want       truth.Counts
	}{
		{"nothing and nothing", nil, nil, truth.Counts{}},
		{"all told", two, []truth.Event{told(6.5, 18.5, "person"), told(22.5, 44.5, "person")}, truth.Counts{Matched: 2}},
		{"in any order", two, []truth.Event{told(22.5, 44.5, "person"), told(6.5, 18.5, "person")}, truth.Counts{Matched: 2}},
		{"at the limit", two, []truth.Event{told(7, 18, "person"), told(22, 45, "person")}, truth.Counts{Matched: 2}},
		{"starts too late", two, []truth.Event{told(7.1, 19, "person")}, truth.Counts{Missed: 2, Extra: 1}},
		{"starts too early", two, []truth.Event{told(4.9, 19, "person")}, truth.Counts{Missed: 2, Extra: 1}},
		{"ends too late", two, []truth.Event{told(6, 20.1, "person")}, truth.Counts{Missed: 2, Extra: 1}},
		{"ends too early", two, []truth.Event{told(6, 17.9, "person")}, truth.Counts{Missed: 2, Extra: 1}},
		{"two in one", two, []truth.Event{told(6, 44, "person")}, truth.Counts{Missed: 2, Extra: 1}},
		{"one in two", two, []truth.Event{told(6, 12, "person"), told(13, 19, "person"), told(23, 44, "bicycle")}, truth.Counts{Matched: 1, Missed: 1, Extra: 2}},
		{"told twice", two, []truth.Event{told(6.4, 19, "person"), told(6.1, 19, "person")}, truth.Counts{Matched: 1, Missed: 1, Extra: 1}},
		{"another label", two, []truth.Event{told(6, 19, "cat")}, truth.Counts{Missed: 2, Extra: 1}},
		{"no label", two, []truth.Event{told(6, 19)}, truth.Counts{Missed: 2, Extra: 1}},
		{"one label of two", two, []truth.Event{told(6, 19, "cat", "person"), told(23, 44, "bicycle", "dog")}, truth.Counts{Matched: 2}},
		{"a van is a car", []truth.Happening{happening(1, 5, "car")}, []truth.Event{told(1, 5, "van")}, truth.Counts{Matched: 1}},
		{"a car is a truck", []truth.Happening{happening(1, 5, "truck")}, []truth.Event{told(1, 5, "car")}, truth.Counts{Matched: 1}},
		{"a motorcycle is a motorbike", []truth.Happening{happening(1, 5, "motorbike")}, []truth.Event{told(1, 5, "motorcycle")}, truth.Counts{Matched: 1}},
		{"a bus is no bicycle", []truth.Happening{happening(1, 5, "bus")}, []truth.Event{told(1, 5, "bicycle")}, truth.Counts{Missed: 1, Extra: 1}},
		{
			// The first event fits both, the second only the first happening:
			// whoever takes the nearest first leaves one untold.
			"as many as can be",
			[]truth.Happening{happening(1, 3, "cat", "dog"), happening(1.5, 3.5, "cat")},
			[]truth.Event{told(1, 3, "cat"), told(1.9, 3.9, "dog")}, truth.Counts{Matched: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, truth.Score(c.happenings, c.events, 0).Counts())
		})
	}
}

func TestScoreTellsHowFarOff(t *testing.T) {
	r := truth.Score([]truth.Happening{happening(6, 19, "person")}, []truth.Event{told(6.4, 18.9, "person"), told(6.25, 18.5, "person")}, 0.5)
	require.Len(t, r.Matched, 1)
	require.InDelta(t, 0.4, r.Matched[0].StartError(), 1e-9, "the one with the smaller largest error")
	require.InDelta(t, -0.1, r.Matched[0].EndError(), 1e-9)
	require.InDelta(t, 0.5, r.Precision(), 0)
	require.InDelta(t, 1, r.Recall(), 0)
	require.Empty(t, truth.Score(r.Missed, nil, 0.1).Matched)
}

func TestCounts(t *testing.T) {
	sum := truth.Counts{Matched: 1, Missed: 2}.Plus(truth.Counts{Matched: 2, Missed: 2, Extra: 1})
	require.Equal(t, truth.Counts{Matched: 3, Missed: 4, Extra: 1}, sum)
	require.InDelta(t, 3.0/4, sum.Precision(), 1e-12)
	require.InDelta(t, 3.0/7, sum.Recall(), 1e-12)
	require.InDelta(t, 1, truth.Counts{}.Precision(), 0)
	require.InDelta(t, 1, truth.Counts{}.Recall(), 0)
	require.InDelta(t, 0, truth.Counts{Extra: 3}.Precision(), 0)
	require.InDelta(t, 0, truth.Counts{Missed: 3}.Recall(), 0)
}

func TestUnsureCountsNeitherWay(t *testing.T) {
	clip := &truth.Clip{Happenings: []truth.Happening{happening(10, 20, "car")}, Unsure: []truth.Happening{happening(2, 4, "person")}}
	r := clip.Score([]truth.Event{told(2, 4, "person")})
	require.Equal(t, truth.Counts{Missed: 1}, r.Counts())
	require.Len(t, r.Unsure, 1)
	r = clip.Score([]truth.Event{told(2, 4, "person"), told(2, 4.1, "person"), told(2, 9, "person"), told(10, 20, "car")})
	require.Equal(t, truth.Counts{Matched: 1, Extra: 2}, r.Counts(), "only one event may claim it")
	require.Equal(t, truth.Counts{Missed: 1}, clip.Score(nil).Counts())
}

func TestDetails(t *testing.T) {
	clip := &truth.Clip{
		Happenings: []truth.Happening{
			happening(6, 19, "person"), happening(23, 44, "person", "bicycle"), happening(50, 60, "car"), happening(70, 80, "cat"),
		},
		Unsure: []truth.Happening{happening(90, 92, "person")},
	}
	r := clip.Score([]truth.Event{
		told(6.4, 18.8, "person"), told(25, 44.2, "person"), told(50, 60, "cat"), told(63, 65, "dog", "car"), told(90, 92, "person"),
	})
	require.Equal(t, `told    person 6.0–19.0 s: starts 0.4 s late, ends 0.2 s early
missed  person+bicycle 23.0–44.0 s: event person 25.0–44.2 s starts 2.0 s late, ends 0.2 s late
missed  car 50.0–60.0 s: event cat 50.0–60.0 s has another label
missed  cat 70.0–80.0 s: no event in all that time
extra   person 25.0–44.2 s: during person+bicycle 23.0–44.0 s
extra   cat 50.0–60.0 s: during car 50.0–60.0 s
extra   car+dog 63.0–65.0 s: nothing happens then
unsure  person 90.0–92.0 s: starts on time, ends on time; counts neither for nor against
1 told, 3 missed, 3 extra: precision 0.250, recall 0.250 (1.0 s off at most)
`, r.Details())
	require.Contains(t, truth.Event{}.String(), "without a label")
}
