package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	maxPackage = 5 << 20  // bytes, zipped
	maxScript  = 60 << 10 // bytes, gzipped
)

// packages weighs what is deployed: the Lambdas as they are built for AWS, and
// the app's script.
func packages(ctx context.Context, b *bench) (rows []row, err error) {
	for _, name := range []string{"events", "api", "provision", "thumbnails"} {
		binary := filepath.Join(b.data, name+"-arm64")
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w -buildid=", "-o", binary, "./lambdas/"+name)
		cmd.Dir, cmd.Env = b.root, append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return rows, fmt.Errorf("build λ %s: %w: %s", name, err, out)
		}
		size, err := zipped(binary)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{
			"package of λ " + name + ", arm64 zip", fmt.Sprintf("%.2f MB", float64(size)/(1<<20)), "≤ 5 MB",
			fmt.Sprintf("%.2f× the budget", float64(size)/maxPackage), verdict(size, maxPackage),
		})
	}
	size, err := gzippedScript(b.install.App)
	if err != nil {
		return rows, err
	}
	return append(rows, row{
		"app, script gzipped", fmt.Sprintf("%.1f KB", float64(size)/(1<<10)), "≤ 60 KB",
		fmt.Sprintf("%.2f× the budget", float64(size)/maxScript), verdict(size, maxScript),
	}), nil
}

func zipped(binary string) (int, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return 0, err
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	file, err := w.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := file.Write(data); err != nil {
		return 0, err
	}
	err = w.Close()
	return packed.Len(), err
}

// gzippedScript adds up every script of the app, lazy parts included.
func gzippedScript(app string) (total int, err error) {
	files, err := filepath.Glob(filepath.Join(app, "assets", "*.js"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no script: run make build", app)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return 0, err
		}
		if _, err := w.Write(data); err != nil {
			return 0, err
		}
		if err := w.Close(); err != nil {
			return 0, err
		}
		total += packed.Len()
	}
	return total, err
}
