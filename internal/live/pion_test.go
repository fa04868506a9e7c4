package live_test

import (
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"
)

// newRegistry makes the viewers' interceptors: they ask for what is lost and
// report when what arrived.
func newRegistry(t testing.TB, m *webrtc.MediaEngine) *interceptor.Registry {
	t.Helper()
	i := &interceptor.Registry{}
	require.NoError(t, webrtc.ConfigureNackWithOptions(m, i, nil))
	require.NoError(t, webrtc.ConfigureRTCPReports(i))
	require.NoError(t, webrtc.ConfigureTWCCSender(m, i))
	return i
}

// silent keeps pion's log out of the tests'.
type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger {
	return (&logging.DefaultLoggerFactory{Writer: discardWriter{}}).NewLogger("")
}

type discardWriter struct{}

func (discardWriter) Write(p []byte) (int, error) { return len(p), nil }
