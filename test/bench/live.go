package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"

	"porchlight/internal/capture/simulator"
	"porchlight/internal/event"
	"porchlight/internal/kvs/signaling"
	"porchlight/internal/live/livetest"
)

const (
	maxJoin  = 250 * time.Millisecond // p95, to the first decoded frame in a browser
	joinWait = 30 * time.Second       // after which a viewer has failed
	joinRest = 500 * time.Millisecond // between two viewers: a channel takes three a second
	watchFor = 10                     // pictures, until a viewer leaves
)

// joining measures how long viewers take from the tap to the first picture,
// through signaling, phase by phase. What is not in it is a browser's decoding
// and showing, which `go test -bench Join ./internal/live` measures.
func joining(ctx context.Context, b *bench) (_ []row, err error) {
	camera, err := simulator.New(ctx, simulator.Config{File: b.footage.clip, Log: discard()})
	if err != nil {
		return nil, err
	}
	defer camera.Close()
	h, err := b.startHome(ctx, "live", map[string]string{"door": camera.URL()}, b.log, func(event.Event, time.Time) {})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	viewer, err := h.viewer(homeThing + ".door")
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, settle); err != nil {
		return nil, err
	}
	b.say("watching %d times", b.joins)
	var all []livetest.Phases
	for i := range b.joins + 1 {
		phases, err := join(ctx, viewer)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first asks where everything is
			all = append(all, phases)
		}
		if err := wait(ctx, joinRest); err != nil {
			return nil, err
		}
	}
	return joinRows(all), nil
}

// viewer says how to watch a camera of this home as its operator.
func (h *home) viewer(camera string) (livetest.Config, error) {
	text, err := os.ReadFile(filepath.Join(h.data, "aws.env"))
	if err != nil {
		return livetest.Config{}, err
	}
	env := map[string]string{}
	for _, line := range strings.Fields(string(text)) {
		key, value, _ := strings.Cut(line, "=")
		env[key] = value
	}
	keys := credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")
	control := kinesisvideo.New(kinesisvideo.Options{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), Credentials: keys, HTTPClient: &http.Client{},
	})
	return livetest.Config{Signaling: signaling.Config{
		Channel: camera, Region: env["AWS_REGION"], Credentials: keys, Log: slog.New(slog.DiscardHandler),
		Directory: signaling.NewChannels(signaling.ChannelsConfig{Client: control}),
	}}, nil
}

// join watches until the picture moves.
func join(ctx context.Context, cfg livetest.Config) (livetest.Phases, error) {
	v, err := livetest.New(ctx, cfg)
	if err != nil {
		return livetest.Phases{}, err
	}
	defer v.Close()
	for end := time.Now().Add(joinWait); time.Now().Before(end); {
		if v.Pictures() >= watchFor {
			return v.Phases(), nil
		}
		if v.Refusal() != "" {
			return livetest.Phases{}, fmt.Errorf("the camera refuses a viewer: %s", v.Refusal())
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return livetest.Phases{}, err
		}
	}
	return livetest.Phases{}, fmt.Errorf("no picture within %s: %+v", joinWait, v.Phases())
}

func joinRows(all []livetest.Phases) []row {
	spread := func(of func(livetest.Phases) time.Duration) (p50, p95 time.Duration) {
		var times []time.Duration
		for _, one := range all {
			times = append(times, of(one))
		}
		return percentile(times, 0.5), percentile(times, 0.95)
	}
	line := func(what string, of func(livetest.Phases) time.Duration) row {
		p50, p95 := spread(of)
		return row{what, fmt.Sprintf("p50 %s, p95 %s", ms(p50), ms(p95)), "", "", ""}
	}
	picture := func(p livetest.Phases) time.Duration { return p.Picture }
	whole := line(fmt.Sprintf("live view: tap → first picture has arrived (%d viewers)", len(all)), picture)
	_, p95 := spread(picture)
	whole.budget, whole.ratio, whole.verdict = "p95 ≤ 250 ms", fmt.Sprintf("%.2f× the budget", float64(p95)/float64(maxJoin)), verdict(p95, maxJoin)
	return []row{
		whole,
		line("  connected to signaling, offer sent", func(p livetest.Phases) time.Duration { return p.Offered }),
		line("  answered", func(p livetest.Phases) time.Duration { return p.Answered }),
		line("  connected, keys agreed on", func(p livetest.Phases) time.Duration { return p.Connected }),
		line("  first packet", func(p livetest.Phases) time.Duration { return p.Packet }),
	}
}
