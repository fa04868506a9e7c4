//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"porchlight/internal/annotate"
	"porchlight/internal/capture"
	"porchlight/internal/inspect"
	"porchlight/internal/pipeline"
	"porchlight/internal/replay"
)

// Run looks at the camera and prints the report.
func (c *CameraCheckCmd) Run(ctx context.Context, streams *Streams) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if replay.SameFile(c.Save, c.Source) {
		return usageError{fmt.Errorf("--save %s: that is the source; name another file", c.Save)}
	}
	// The model's own threshold, so that what scores too little is shown too.
	detector, err := c.openDetector(ctx, streams)
	if err != nil {
		return err
	}
	defer func() { _ = detector.Close() }()
	var faces pipeline.FaceDetector
	if open := c.openFaces(settings.Faces, streams); open != nil {
		d, err := open()
		if err != nil {
			return err
		}
		defer func() { _ = d.Close() }()
		faces = d
	}
	if isTerminal(streams.Stderr) {
		fmt.Fprintf(streams.Stderr, "looking at %s …\n", capture.Redact(c.Source))
	}
	report, err := inspect.Run(ctx, inspect.Config{
		Source: c.Source, Settings: settings, Detector: detector, Input: detector.Input(), Faces: faces, Model: detector.Model(), MinScore: c.MinScore,
		For: c.For, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	saved := ""
	if c.Save != "" {
		if err := savePicture(c.Save, report); err != nil {
			return err
		}
		saved = c.Save
	}
	line := checkSummary{Source: capture.Redact(c.Source), Model: detector.Model(), Picture: saved, Report: report}
	if err := printCheck(streams.Stdout, c.JSON, line); err != nil {
		return err
	}
	if report.Fault != "" {
		return errors.New(report.Fault)
	}
	return nil
}

// savePicture writes the picture, whole or not at all.
func savePicture(path string, report *inspect.Report) error {
	picture, err := annotate.JPEG(report.Picture, 90)
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	part := path + ".part"
	if err := os.WriteFile(part, picture, 0o600); err != nil { // it shows a home
		return fmt.Errorf("save picture: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		os.Remove(part)
		return fmt.Errorf("save picture: %w", err)
	}
	return nil
}
