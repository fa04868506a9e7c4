package command

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryForgetsTheOldestThatAreDone(t *testing.T) {
	m := newMemory(3)
	for i := range 5 {
		m.begin(fmt.Sprint(i))
		if i != 0 {
			m.finish(fmt.Sprint(i), []byte("done"))
		}
	}
	reply, seen := m.recall("0")
	require.True(t, seen, "it still runs")
	require.Nil(t, reply)
	_, seen = m.recall("2")
	require.False(t, seen)
	reply, _ = m.recall("4")
	require.Equal(t, "done", string(reply))
	require.Len(t, m.order, 3)
	m.finish("2", []byte("late"))
	require.Len(t, m.replies, 3)
}
