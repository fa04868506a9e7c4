package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"porchlight/internal/config"
	"porchlight/internal/edge/evidence"
	"porchlight/internal/media"
)

// liveMemory is how much of a camera's video is in memory for those who watch
// live, where nothing is kept: the newest group of pictures, and the one before
// to judge it by.
const liveMemory = 4 * time.Second

// footage is a camera's newest video in memory, for all that keep or show it.
type footage struct {
	main    stream // what is kept and shown
	sub     stream // what is looked at, where that is another and may be shown too
	stop    context.CancelFunc
	filling sync.WaitGroup
}

// stream is one of a camera's streams; both are nil where nobody wants it.
type stream struct {
	bus  *media.Bus
	ring *media.Ring
}

// newFootage takes the main stream from the keeper, where there is one. What
// nobody keeps or may watch is not in memory. It goes on until close, for what
// ends with ctx ends by what is in memory.
func newFootage(ctx context.Context, settings config.Camera, keeper *evidence.Keeper, log *slog.Logger) *footage {
	f := &footage{main: stream{keeper.Bus(), keeper.Ring()}}
	ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	if !settings.Live.Enabled {
		return f
	}
	if f.main.bus == nil {
		f.main = f.fill(ctx, log)
	}
	if settings.Record.Source != "" {
		f.sub = f.fill(ctx, log)
	}
	return f
}

func (f *footage) fill(ctx context.Context, log *slog.Logger) stream {
	s := stream{&media.Bus{}, media.NewRing(media.RingConfig{Keep: liveMemory, Log: log})}
	f.filling.Go(func() { s.ring.Follow(ctx, s.bus) })
	return s
}

// close ends what newFootage began.
func (f *footage) close() {
	f.stop()
	f.filling.Wait()
}
