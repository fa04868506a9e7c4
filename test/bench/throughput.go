package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/iot"
	"porchlight/internal/localcloud"
	"porchlight/internal/onemachine"
)

const (
	throughputThings = 16   // each with a connection of its own
	perThing         = 4    // publishes of one thing in flight
	leastEventsRate  = 1000 // a second
)

// throughput sends events through MQTT, rule, SNS, λ events and DynamoDB, and
// counts what the API then lists.
func throughput(ctx context.Context, b *bench) (_ []row, err error) {
	taken := &takenCounter{want: int64(b.events), all: make(chan struct{})}
	cloud, sub, owner, err := b.openCloud(ctx, "throughput", slog.New(taken))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	connected, hangUp := context.WithCancel(ctx)
	defer hangUp()
	clients, err := connectThings(connected, cloud, sub)
	if err != nil {
		return nil, err
	}
	if b.profile != "" {
		f, err := os.Create(b.profile + ".cpu")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	before := cpuTime()
	began := time.Now()
	if err := publishAll(ctx, clients, b.events); err != nil {
		return nil, err
	}
	published := time.Since(began)
	b.say("%d events acknowledged after %s", b.events, published.Round(time.Millisecond))
	select {
	case <-taken.all:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(5 * time.Minute):
		b.say("gave up waiting: %d of %d events were taken in", taken.done.Load(), b.events)
	}
	stored := time.Since(began)
	pprof.StopCPUProfile()
	spent := costs(b.events, before)
	unique, double, err := listAll(ctx, owner)
	if err != nil {
		return nil, err
	}
	rate := func(d time.Duration) float64 { return float64(b.events) / d.Seconds() }
	intact := fmt.Sprintf("%d of %d, %d lost, %d doubled, %d delivered twice", unique, b.events, b.events-unique, double, taken.stale.Load())
	return []row{
		{"events acknowledged by the broker", fmt.Sprintf("%.0f/s", rate(published)), "", "", ""},
		{"events through λ events into the table", fmt.Sprintf("%.0f/s", rate(stored)), "≥ 1000/s",
			fmt.Sprintf("%.2f× the budget", rate(stored)/leastEventsRate), atLeast(rate(stored), leastEventsRate)},
		{"  of them listed by the API", intact, "all, once", "", atLeast(unique-double, b.events)},
		{"  CPU of one event", spent, "", "", ""},
	}, nil
}

// costs tells what CPU an event cost: this process is the local cloud and the
// things, the others are its children.
func costs(events int, before time.Duration) string {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(events) }
	return fmt.Sprintf("%.2f ms broker, queue, APIs and senders; %.2f ms database (one thread); %.2f ms λ",
		each(cpuTime()-before), each(cpuOf(childrenNamed("node")...)), each(cpuOf(childrenNamed("bootstrap")...)))
}

func thingName(i int) string { return fmt.Sprintf("thing%d", i) }

func connectThings(ctx context.Context, cloud *localcloud.Cloud, sub string) ([]*iot.Client, error) {
	clients := make([]*iot.Client, throughputThings)
	for i := range clients {
		files, err := cloud.RegisterThing(thingName(i))
		if err != nil {
			return nil, err
		}
		if err := onemachine.Claim(ctx, cloud, thingName(i), sub); err != nil {
			return nil, err
		}
		identity, err := iot.LoadIdentity(files.Certificate, files.Key, files.CA)
		if err != nil {
			return nil, err
		}
		clients[i], err = iot.Connect(ctx, iot.ClientConfig{
			Endpoint: cloud.Addresses().MQTT, ClientID: thingName(i), TLS: identity,
			Log: discard(), NewSession: func() string { return "bench" },
		})
		if err != nil {
			return nil, err
		}
	}
	return clients, nil
}

// publishAll returns once every event is acknowledged.
func publishAll(ctx context.Context, clients []*iot.Client, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var working sync.WaitGroup
	for i, client := range clients {
		for range perThing {
			working.Go(func() {
				for next.Add(1) <= int64(n) && ctx.Err() == nil {
					if err := publishOne(ctx, client, thingName(i)); err != nil {
						cancel(err)
					}
				}
			})
		}
	}
	working.Wait()
	return context.Cause(ctx)
}

func publishOne(ctx context.Context, client *iot.Client, thing string) error {
	now := event.At(time.Now())
	e := event.Event{
		EventID: event.NewID(now.Time), Sequence: 1, State: event.Started, Camera: event.CameraID(thing, "door"),
		StartedAt: now, UpdatedAt: now, Labels: map[string]float64{"person": 0.91}, Zones: []string{}, Faces: []event.Face{},
		Score: 0.91, Box: event.Box{X0: 0.1, Y0: 0.2, X1: 0.3, Y1: 0.8}, Model: "bench",
	}
	e.ThumbnailKey = "thumbnails/" + thing + "/" + e.Camera + "/" + e.EventID + ".jpg"
	payload, err := e.Marshal()
	if err != nil {
		return err
	}
	return client.Publish(ctx, event.Topic(thing, event.ChannelEvents), payload)
}

// listAll pages through all events and tells how many there are, and how many
// of them more than once.
func listAll(ctx context.Context, owner *api) (unique, double int, err error) {
	seen := map[string]bool{}
	query := url.Values{"limit": {"100"}}
	for {
		page, cursor, err := owner.events(ctx, query)
		if err != nil {
			return 0, 0, err
		}
		for _, e := range page {
			if seen[e.EventID] {
				double++
			}
			seen[e.EventID] = true
		}
		if cursor == "" {
			return len(seen), double, nil
		}
		query.Set("cursor", cursor)
	}
}
