// Command zzdbg is for tuning only.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/config"
	"porchlight/internal/event"
	"porchlight/internal/modelstore"
	"porchlight/internal/pipeline"
	"porchlight/internal/vision"
	"porchlight/models"
)

type sink struct{ o time.Time }

func (s *sink) Publish(_ context.Context, e event.Event, _ []byte) error {
	fmt.Printf("   EVENT %s seq %d %v %.1f..%.1f sev %s\n", e.State, e.Sequence, e.Labels, e.StartedAt.Sub(s.o).Seconds(), e.UpdatedAt.Sub(s.o).Seconds(), e.Severity)
	return nil
}

func main() {
	clip := "/work/shared/testdata/footage/" + os.Args[1]
	from, _ := strconv.ParseFloat(os.Args[2], 64)
	to, _ := strconv.ParseFloat(os.Args[3], 64)
	store, _ := modelstore.New(modelstore.Config{Dir: "/work/shared/testdata/models", Manifest: models.Manifest()})
	det, err := vision.Open(store, "yolox-nano", 0.2)
	if err != nil {
		panic(err)
	}
	s := &sink{}
	set := config.CameraDefaults()
	if len(os.Args) > 4 {
		data, _ := os.ReadFile(os.Args[4])
		if set, err = config.ParseCamera(data); err != nil {
			panic(err)
		}
	}
	var p *pipeline.Pipeline
	ctx, cancel := context.WithCancel(context.Background())
	p = pipeline.New(pipeline.Config{Camera: "a.b", Settings: set, Detector: det, Sink: s, Model: "m", MinScore: 0.5, Log: slog.Default(), OnView: func(v *pipeline.View) {
		t := v.Frame.Offset.Seconds()
		if t < from {
			return
		}
		if t > to {
			cancel()
			return
		}
		fmt.Printf("%.2f cal=%v area=%.4f", t, v.Motion.Calibrating, v.Motion.Area)
		for _, b := range v.Motion.Boxes {
			fmt.Printf(" m[%.2f %.2f %.2f %.2f]", b.X0, b.Y0, b.X1, b.Y1)
		}
		for _, b := range v.Regions {
			fmt.Printf(" R[%.2f %.2f %.2f %.2f]", b.X0, b.Y0, b.X1, b.Y1)
		}
		for _, d := range v.Found {
			fmt.Printf(" %s%.2f[%.2f %.2f %.2f %.2f]", d.Label, d.Score, d.Box.X0, d.Box.Y0, d.Box.X1, d.Box.Y1)
		}
		for _, d := range v.Ignored {
			fmt.Printf(" -%s%.2f(%s)", d.Label, d.Score, d.Reason[:9])
		}
		for _, d := range v.Tracks {
			fmt.Printf(" T%d", d.ID)
			if d.Seen {
				fmt.Print("s")
			}
			if d.True {
				fmt.Print("t")
			}
			if d.Stationary {
				fmt.Print("S")
			}
			if d.Known {
				fmt.Print("k")
			}
			if !d.MovedAt.IsZero() {
				fmt.Print("m")
			}
		}
		fmt.Println()
	}})
	err = capture.Run(ctx, capture.Config{Name: "x", URL: clip, FPS: 5, MaxWidth: 1280, Pace: capture.FullSpeed, Log: slog.New(slog.DiscardHandler)}, func(f *event.Frame) {
		if s.o.IsZero() {
			s.o = f.Time.Add(-f.Offset)
		}
		if ctx.Err() == nil {
			if err := p.Handle(ctx, f); err != nil {
				fmt.Println(err)
			}
		}
	})
	_ = p.Close(context.Background())
	fmt.Println(p.Stats(), err)
}
