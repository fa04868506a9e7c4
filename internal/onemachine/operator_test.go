package onemachine

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuotedValuesSurviveTheShell(t *testing.T) {
	for _, value := range []string{"", "plain/path-1.pem", "my home/o'neil $(date) `x` \"y\""} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "V="+quote(value)+`; printf %s "$V"`).Output()
		require.NoError(t, err)
		require.Equal(t, value, string(out))
	}
}
