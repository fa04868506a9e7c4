package footage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/track/mot"
	"porchlight/test/footage/follow"
	"porchlight/test/footage/truth"
)

// Six people, one at a time: each keeps the one id.
func TestOneByOneNobodyChangesIdentity(t *testing.T) {
	const clip = "one-by-one-person-detection.mp4"
	tracks, err := truth.LoadTracks(os.DirFS("annotations"), clip)
	require.NoError(t, err)
	frames, err := follow.Clip(t.Context(), follow.Config{
		File: filepath.Join(testdata(t), "footage", clip), Truth: tracks, Settings: settingsOf(t, clip),
		Detector: eye(t), Model: model, MinScore: minScore,
	})
	require.NoError(t, err)
	score, err := mot.Evaluate(frames, follow.MinIoU)
	require.NoError(t, err)
	t.Logf("HOTA %.3f, IDF1 %.3f, MOTA %.3f, %d of %d boxes matched", score.HOTA, score.IDF1, score.MOTA, score.Matches, score.Truth)
	require.Zero(t, score.Switches, "id switches")
	require.Greater(t, score.Matches, score.Truth*8/10, "they are followed")
}
