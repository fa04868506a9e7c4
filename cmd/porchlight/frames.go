//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"porchlight/internal/event"
	"porchlight/internal/vision"
)

// maxPicture bounds the size of a picture file in bytes.
const maxPicture = 256 << 20

// eachFile calls do with every frame of every file, and done at the end. A bad
// file is reported and the others are still done.
func eachFile(ctx context.Context, streams *Streams, files []string, done func() error, do func(file string, f *event.Frame) error) error {
	bad := 0
	for _, file := range files {
		err := eachFrame(ctx, file, func(f *event.Frame) error { return do(file, f) })
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), done())
		}
		if err != nil {
			bad++
			fmt.Fprintf(streams.Stderr, "porchlight: %s: %v\n", file, err)
		}
	}
	if err := done(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files could not be used", bad, len(files))
	}
	return nil
}

// eachFrame calls do with the picture of an image file or every picture of a
// video file.
func eachFrame(ctx context.Context, path string, do func(*event.Frame) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: check the path", err)
	}
	defer file.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty: record it again")
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: name a picture or a video file", err)
	}
	switch http.DetectContentType(head[:n]) {
	case "image/jpeg", "image/png":
	default:
		return openVideo(ctx, path, do)
	}
	rest, err := io.ReadAll(io.LimitReader(file, maxPicture))
	if err != nil {
		return err
	}
	f, err := vision.DecodeImage(append(head[:n], rest...))
	if err != nil {
		return err
	}
	return do(f)
}
