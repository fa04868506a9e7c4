package env

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVariables(t *testing.T) {
	lookup := Lookup(func(name string) (string, bool) {
		v, ok := map[string]string{"SET": "x", "EMPTY": "", "WEEK": "7", "ZERO": "0", "HUGE": "106752"}[name]
		return v, ok
	})
	v, err := lookup.String("SET")
	require.NoError(t, err)
	require.Equal(t, "x", v)
	require.Equal(t, "x", lookup.Or("SET", "y"))
	require.Equal(t, "y", lookup.Or("EMPTY", "y"))
	for name, want := range map[string]float64{"WEEK": 7, "ZERO": 0, "MISSING": 0} {
		n, err := lookup.Number(name, 7)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for _, name := range []string{"SET", "HUGE"} {
		_, err := lookup.Number(name, 7)
		require.ErrorContains(t, err, name)
	}
	d, err := lookup.Days("WEEK")
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, d)
	for _, name := range []string{"EMPTY", "MISSING"} {
		_, err := lookup.String(name)
		require.ErrorContains(t, err, name)
	}
	for _, name := range []string{"SET", "ZERO", "HUGE", "MISSING"} {
		_, err := lookup.Days(name)
		require.ErrorContains(t, err, name)
	}
}
