package policy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// files maps slash-separated paths, relative to the repository root, to
// content.
type files map[string][]byte

// fault is one thing to put right.
type fault struct{ file, what, cure string }

func (f fault) String() string { return f.file + ": " + f.what + "; " + f.cure }

// rule finds what is wrong with files.
type rule func(files) []fault

const root = "../.."

// repository reads every file that belongs to the repository: what git tracks
// and what it would add.
func repository(t *testing.T) files {
	t.Helper()
	// The folder may belong to someone else, as it does in a container.
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Skipf("not a git working tree, so there is no list of the repository's files: %v", err)
	}
	all := files{}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		}
		require.NoError(t, err)
		all[name] = content
	}
	require.Contains(t, all, "go.mod")
	return all
}

// goFile is one parsed file.
type goFile struct {
	path, dir string
	test      bool
	set       *token.FileSet
	*ast.File
}

func (all files) parseGo() (parsed []goFile, faults []fault) {
	for name, content := range all {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			faults = append(faults, fault{name, err.Error(), "make it parse"})
			continue
		}
		parsed = append(parsed, goFile{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), set, file})
	}
	return parsed, faults
}

// handWritten says whether a person maintains the file.
func handWritten(name string, content []byte) bool {
	header, _, _ := bytes.Cut(content, []byte("\n"))
	return !strings.Contains(name, ".gen.") && !bytes.Contains(header, []byte("Code generated"))
}

func lines(content []byte) int { return bytes.Count(content, []byte("\n")) }
