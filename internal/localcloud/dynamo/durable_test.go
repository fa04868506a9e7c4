package dynamo_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/dynamo"
)

// A power cut cannot be played, so stand-ins for the two libraries write down
// with what options each kind of write gets to LevelDB.
func TestEveryWriteIsSynced(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	modules, data := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"level/index.js": `
			exports.Level = class {
				async open () {}
				async close () {}
				async * iterator () {}
				async _put (...a) { note('put', a) }
				async _del (...a) { note('del', a) }
				async _batch (...a) { note('batch', a) }
			}
			function note (kind, args) {
				require('fs').appendFileSync('writes', kind + ' ' + JSON.stringify(args) + '\n')
			}`,
		"dynalite/package.json": `{"name":"dynalite","main":"index.js"}`,
		"dynalite/index.js": `
			const { Level } = require('level')
			module.exports = () => {
				const db = new Level()
				db._put('k', 'v', { a: 1 }); db._del('k', {}); db._batch([{ type: 'del', key: 'k' }], {})
				return require('http').createServer()
			}`,
	} {
		file := filepath.Join(modules, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	s, err := dynamo.Start(t.Context(), dynamo.Config{Dir: data, NodeModules: modules, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	writes, err := os.ReadFile(filepath.Join(data, "writes"))
	require.NoError(t, err)
	require.Equal(t, []string{
		`put ["k","v",{"a":1,"sync":true}]`, `del ["k",{"sync":true}]`, `batch [[{"type":"del","key":"k"}],{"sync":true}]`,
	}, strings.Split(strings.TrimSpace(string(writes)), "\n"))
}
