package follow

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
	"porchlight/internal/pipeline"
	"porchlight/internal/track"
	"porchlight/internal/track/mot"
	"porchlight/test/footage/truth"
)

var box = event.Box{X0: 0.1, Y0: 0.1, X1: 0.2, Y1: 0.4}

func view(at time.Duration, regions []event.Box, tracks ...track.Track) *pipeline.View {
	return &pipeline.View{Frame: &event.Frame{Offset: at}, Regions: regions, Tracks: tracks}
}

func TestWhatCounts(t *testing.T) {
	w := watcher{lost: map[int64]bool{}, truth: &truth.Tracks{
		From: 1, To: 9, Labels: []string{"car"},
		Objects: []truth.Object{{ID: 4, Label: "car", Keys: []truth.Key{{At: 1, Box: box}, {At: 9, Box: box}}}},
	}}
	whole := []event.Box{{X1: 1, Y1: 1}}
	seen := track.Track{ID: 1, Label: "truck", Box: box, True: true, Seen: true}
	unseen := seen
	unseen.Seen = false
	other, tentative, parked := seen, seen, seen
	other.ID, other.Label = 2, "person"
	tentative.ID, tentative.True = 3, false
	parked.ID, parked.Known = 5, true

	w.view(view(0, whole, seen)) // before the annotated part
	require.Empty(t, w.frames)
	for i, c := range []struct {
		v     *pipeline.View
		found int
		why   string
	}{
		{view(1*time.Second, whole, seen, other, tentative, parked), 1, "trucks are cars, the others do not count"},
		{view(2*time.Second, nil, unseen), 1, "nobody looked: it is expected there"},
		{view(3*time.Second, []event.Box{{X0: 0.5, Y0: 0.5, X1: 1, Y1: 1}}, unseen), 1, "nobody looked there"},
		{view(4*time.Second, whole, unseen), 0, "looked for in vain"},
		{view(5*time.Second, nil, unseen), 0, "and not seen since"},
		{view(6*time.Second, whole, seen), 1, "seen again"},
	} {
		w.view(c.v)
		require.Len(t, w.frames[i].Found, c.found, c.why)
		require.Equal(t, []mot.Object{{ID: 4, Box: box}}, w.frames[i].Truth)
	}
}

func TestJoinKeepsIDsApart(t *testing.T) {
	one := []mot.Frame{{Truth: []mot.Object{{ID: 1, Box: box}}, Found: []mot.Object{{ID: 7, Box: box}}}}
	all := Join(one, one)
	require.Len(t, all, 2)
	require.NotEqual(t, all[0].Truth[0].ID, all[1].Truth[0].ID)
	require.NotEqual(t, all[0].Found[0].ID, all[1].Found[0].ID)
	score, err := mot.Evaluate(all, MinIoU)
	require.NoError(t, err)
	require.Zero(t, score.Switches)
	require.InDelta(t, 1, score.HOTA, 1e-9)
}
