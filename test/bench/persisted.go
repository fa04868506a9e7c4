package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"porchlight/internal/event"
)

const maxPersisted = 2 * time.Second

// persisted measures when the first video of an event is in Kinesis Video
// Streams, as the API tells it.
type persisted struct {
	polling sync.WaitGroup

	mu      sync.Mutex
	known   map[string]bool
	told    []time.Duration // since the event was told
	started []time.Duration // since the first picture of it was taken
	missed  int
	failed  error
}

// follow waits, beside all else, for the video of an event that has just been
// told.
func (p *persisted) follow(ctx context.Context, owner *api, e event.Event, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Clip == nil || p.known[e.EventID] {
		return
	}
	if p.known == nil {
		p.known = map[string]bool{}
	}
	p.known[e.EventID] = true
	p.polling.Go(func() {
		found, err := p.await(ctx, owner, e)
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.failed = errors.Join(p.failed, err)
		case found.IsZero():
			p.missed++
		default:
			p.told, p.started = append(p.told, found.Sub(at)), append(p.started, found.Sub(e.StartedAt.Time))
		}
	})
}

// await returns when there was video of an event, or zero when it did not come.
func (p *persisted) await(ctx context.Context, owner *api, e event.Event) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		found, err := owner.recorded(ctx, e.Camera, e.Clip.From.Time, e.StartedAt.Add(time.Minute))
		switch {
		case ctx.Err() != nil:
			return time.Time{}, nil
		case err != nil:
			return time.Time{}, err
		case found:
			return time.Now(), nil
		}
		if err := wait(ctx, pollEvery); err != nil {
			return time.Time{}, nil
		}
	}
}

func (p *persisted) rows() []row {
	p.polling.Wait()
	p50, p95 := percentile(p.started, 0.5), percentile(p.started, 0.95)
	return []row{
		{"event start → first fragment persisted, p50", ms(p50), "≤ 2000 ms", fmt.Sprintf("%.2f× the budget", p50.Seconds()/maxPersisted.Seconds()), verdict(p50, maxPersisted)},
		{"event start → first fragment persisted, p95", ms(p95), "≤ 2000 ms", fmt.Sprintf("%.2f× the budget", p95.Seconds()/maxPersisted.Seconds()), verdict(p95, maxPersisted)},
		{"  since the event was told", fmt.Sprintf("p50 %s, p95 %s", ms(percentile(p.told, 0.5)), ms(percentile(p.told, 0.95))), "", "", ""},
		{"  events whose video did not come", fmt.Sprintf("%d of %d", p.missed, p.missed+len(p.told)), "0", "", verdict(p.missed, 0)},
	}
}

// recorded tells whether there is any video of a camera from from to to.
func (a *api) recorded(ctx context.Context, camera string, from, to time.Time) (bool, error) {
	query := url.Values{"from": {event.At(from).String()}, "to": {event.At(to).String()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.origin+"/v1/cameras/"+camera+"/recordings?"+query.Encode(), nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return false, err
	}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound: // the first event of a camera makes its stream
		return false, nil
	default:
		return false, fmt.Errorf("GET recordings: %s: %s", res.Status, body)
	}
	var answer struct {
		Ranges []struct{ From, To time.Time }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return false, fmt.Errorf("GET recordings: %w", err)
	}
	return len(answer.Ranges) > 0, nil
}
