package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/test/footage/truth"
)

func TestRunsJoinWhatIsSeenAgainSoon(t *testing.T) {
	at := func(s float64, labels ...string) sighting { return sighting{s, labels} }
	require.Equal(t, []truth.Event{
		{Labels: []string{"person", "dog"}, Start: 1, End: 3.5},
		{Labels: []string{"car"}, Start: 5.5, End: 5.5},
	}, runs([]sighting{at(0), at(1, "person"), at(2), at(2.9, "dog", "person"), at(3.5, "dog"), at(4), at(5.5, "car")}))
	require.Empty(t, runs([]sighting{at(0), at(1)}))
}

func TestScoreIsInTheTimeLineOfTheClip(t *testing.T) {
	clip := &truth.Clip{Happenings: []truth.Happening{{Label: "car", Labels: []string{"car"}, Start: 4, End: 8}}}
	told := []truth.Event{{Labels: []string{"car"}, Start: 64.5, End: 67.5}}
	require.Equal(t, truth.Counts{Matched: 1}, scene{truth: clip, lead: 60}.score(told))
	require.Equal(t, truth.Counts{Missed: 1, Extra: 1}, scene{truth: clip}.score(told))
	require.Zero(t, scene{}.score(told))
}

func TestLabelsAreThoseOfTheOwner(t *testing.T) {
	s := scene{settings: config.Camera{Labels: []string{"car"}, Aliases: map[string]string{"suitcase": "car"}}}
	require.Equal(t, "car", s.label("suitcase"))
	require.Equal(t, "car", s.label("car"))
	require.Empty(t, s.label("person"))
}

func TestMemoryRows(t *testing.T) {
	use := memoryUse{Base: memorySample{RSS: 100}}
	for i := range 101 {
		use.Samples = append(use.Samples, memorySample{Shown: time.Duration(i) * time.Second, RSS: 120 + float64(i)/10, Decoders: 40})
	}
	rows, err := use.rows(&bench{})
	require.NoError(t, err)
	require.Equal(t, "OVER", rows[0].verdict, "122 MB become 129.5")
	require.Equal(t, "ok", rows[2].verdict)
	require.Contains(t, rows[2].measured, "17.4 MB: 7.4 in the process, 10.0 its decoder")

	_, err = (&memoryUse{}).rows(&bench{})
	require.Error(t, err)
}
