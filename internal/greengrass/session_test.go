package greengrass

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass/fakenucleus"
)

// Two billion calls are 27 days at the rate nucleus lite takes them.
func TestSpentStreamIDsMakeANewConnection(t *testing.T) {
	n := fakenucleus.ForTest(t, fakenucleus.Lite, "c")
	c, err := Connect(t.Context(), Config{Socket: n.Socket(), Token: n.Token(), Log: slog.New(slog.DiscardHandler), MinRedial: time.Millisecond})
	require.NoError(t, err)
	defer c.Close()

	s, err := c.session()
	require.NoError(t, err)
	s.turn <- struct{}{}
	s.next = math.MaxInt32 - 1
	<-s.turn
	require.NoError(t, c.UpdateState(t.Context(), Running))
	err = c.UpdateState(t.Context(), Running)
	require.ErrorIs(t, err, ErrDisconnected)
	require.ErrorIs(t, err, errStreamsSpent)
	require.Eventually(t, func() bool { return c.UpdateState(t.Context(), Running) == nil }, time.Minute, time.Millisecond)
	require.Equal(t, 2, n.Counts().Connections)
	require.Len(t, n.States(), 2, "what was refused was not sent")
}
