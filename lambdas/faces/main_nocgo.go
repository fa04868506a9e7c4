//go:build !cgo

package main

import (
	"log/slog"
	"os"
)

func main() {
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("this build has no vision: build with CGO_ENABLED=1")
	os.Exit(1) //nolint:forbidigo // a main, in a file of another name
}
