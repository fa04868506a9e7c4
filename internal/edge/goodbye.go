package edge

import (
	"context"
	"log/slog"
	"time"
)

// How long an orderly end may take: for events, and then for the word that
// this device goes.
const (
	lastEvents = 3 * time.Second
	lastWord   = 2 * time.Second
)

// connection is what goodbye needs of the MQTT client.
type connection interface {
	publisher
	Disconnect(ctx context.Context) error
}

// goodbye gives the last events and pictures a moment to leave; what does not get away in
// time stays in the spool for the next start. It says offline in either case,
// because an orderly end of the session makes the broker forget the will.
func goodbye(ctx context.Context, patience time.Duration, up *uplink, board *statusBoard, client connection, log *slog.Logger) {
	giveUp := time.After(patience)
	for waiting := true; waiting && up.depth() > 0; {
		select {
		case <-giveUp:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	if up.depth() > 0 {
		log.Warn("what could not be sent waits on disk for the next start",
			"events", up.events.Stats().Depth, "thumbnails", up.thumbnails.Stats().Depth)
	}
	ctx, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	board.goodbye(ctx, client)
	if err := client.Disconnect(ctx); err != nil {
		log.Warn("cannot disconnect", "error", err)
	}
}
