//go:build cgo && linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/vision/visiontest"
)

// The image is not built here, for that takes Docker; what its build runs is.

// program builds the Lambda as the image's build does.
func program(t *testing.T, dir, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "./lambdas/faces")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// The libraries that the script copies are all that the program needs, and the
// program works with them and no others.
func TestClosureHoldsEveryLibrary(t *testing.T) {
	if _, err := exec.LookPath("ldd"); err != nil {
		t.Skip("ldd is not installed")
	}
	image := t.TempDir()
	bootstrap := filepath.Join(image, "var", "task", "bootstrap")
	program(t, filepath.Join("..", ".."), bootstrap)
	out, err := exec.CommandContext(t.Context(), "sh", "closure.sh", bootstrap, image).CombinedOutput()
	require.NoError(t, err, string(out))
	size := regexp.MustCompile(`^(\d+) libraries, (\d+) bytes\n$`).FindStringSubmatch(string(out))
	require.NotNil(t, size, string(out))
	t.Logf("%s: %s", "image without base and networks", strings.TrimSpace(string(out)))

	loaders, err := filepath.Glob(filepath.Join(image, "lib*", "ld-linux*"))
	require.NoError(t, err)
	require.Len(t, loaders, 1)
	var folders []string
	require.NoError(t, filepath.WalkDir(image, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return err
	}))
	load := []string{"--inhibit-cache", "--library-path", strings.Join(folders, ":")}
	list, err := exec.CommandContext(t.Context(), loaders[0], append(load, "--list", bootstrap)...).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(list)) {
		if _, path, found := strings.Cut(strings.TrimSpace(line), "=> "); found {
			require.True(t, strings.HasPrefix(path, image) || strings.HasPrefix(path, "/lib64/ld-linux"), line)
		}
	}
	check := exec.CommandContext(t.Context(), loaders[0], append(load, bootstrap, "check")...)
	check.Env = []string{"MODELS_DIR=" + visiontest.EmbeddingDir(t)}
	out, err = check.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), `"msg":"models opened"`)
	check = exec.CommandContext(t.Context(), loaders[0], append(load, bootstrap, "check")...)
	check.Env = []string{"MODELS_DIR=" + image}
	out, err = check.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "porchlight models pull sface", "the build of an image without networks fails with the cure")
}

// What the Dockerfile copies is in the build's context, which compiles by itself.
func TestContextOfTheImageIsWhole(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	work := t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"go.mod", "go.sum", "internal", "models", "lambdas", "infra/build-lambdas.sh")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Skip("not a git working tree")
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if strings.Contains(name, "/testdata/") || strings.Contains(name, "/node/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		}
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(work, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(work, name), data, 0o600))
	}
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(work, "infra", "build-lambdas.sh")).CombinedOutput()
	require.NoError(t, err, string(out))
	require.FileExists(t, filepath.Join(work, "bin", "lambdas-arm64", "events", "bootstrap"))
	context := filepath.Join(work, "bin", "lambdas-arm64", "faces")
	require.NoFileExists(t, filepath.Join(context, "bootstrap"), "it is made in the image")
	require.NoDirExists(t, filepath.Join(context, "internal", "localcloud"), "nothing that the program does not import")
	dockerfile, err := os.ReadFile(filepath.Join(context, "Dockerfile"))
	require.NoError(t, err)
	for _, copied := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllSubmatch(dockerfile, -1) {
		for _, file := range bytes.Fields(copied[1]) {
			_, err := os.Stat(filepath.Join(context, string(file)))
			require.NoError(t, err)
		}
	}
	require.FileExists(t, filepath.Join(context, "lambdas", "faces", "models", "README.md"))
	require.Contains(t, string(dockerfile), "lambdas/faces/closure.sh")
	require.FileExists(t, filepath.Join(context, "lambdas", "faces", "closure.sh"))
	program(t, context, filepath.Join(work, "bootstrap"))
}
