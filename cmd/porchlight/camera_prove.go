package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"porchlight/internal/atomicfile"
	"porchlight/internal/onvif/setup"
)

// proveMost is how long the first picture of one stream may take.
const proveMost = 20 * time.Second

// prove takes a picture from each stream.
func (d *discovery) prove(ctx context.Context) {
	if !d.Prove {
		return
	}
	for _, c := range d.found {
		for _, s := range c.camera.Streams() {
			if ctx.Err() != nil {
				return
			}
			p, err := d.takePicture(ctx, c.camera.Name, s)
			if err != nil {
				c.unready = true
				d.fail(c.device.Address, c.camera.Name, fmt.Errorf("%s %s: %w", s.Key, s.Profile.Stream, err))
				continue
			}
			c.proof = append(c.proof, *p)
		}
	}
}

func (d *discovery) takePicture(ctx context.Context, name string, s setup.Stream) (*proof, error) {
	picture, err := setup.Prove(ctx, name, s.Profile.Stream.SignedIn(d.User, d.secret), proveMost, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	folder := d.Pictures
	if folder == "" && d.Write != "" {
		folder = filepath.Dir(d.Write)
	} else if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	file := filepath.Base(name) + ".jpg"
	if s.Key != "source" {
		file = filepath.Base(name) + "-record.jpg"
	}
	path := filepath.Join(folder, file)
	if err := atomicfile.Write(path, picture.JPEG, 0o600); err != nil { // it shows a home
		return nil, fmt.Errorf("save picture: %w", err)
	}
	return &proof{Stream: s.Key, Picture: path, Width: picture.Width, Height: picture.Height}, nil
}
