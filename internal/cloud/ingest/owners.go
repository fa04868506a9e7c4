package ingest

import (
	"context"
	"sync"
	"time"
)

const (
	ownerTTL  = 30 * time.Second // a thing that changes hands is noticed within it
	maxOwners = 4096             // things remembered
)

// owners remembers for a while who owns a thing. That a thing has no owner is
// not remembered: it may be claimed the next moment.
type owners struct {
	lookUp func(ctx context.Context, thing string) (string, error)
	now    func() time.Time

	mu    sync.Mutex
	known map[string]ownerEntry
}

type ownerEntry struct {
	owner string
	until time.Time
}

func newOwners(lookUp func(context.Context, string) (string, error), now func() time.Time) *owners {
	return &owners{lookUp: lookUp, now: now, known: map[string]ownerEntry{}}
}

func (o *owners) of(ctx context.Context, thing string) (string, error) {
	now := o.now()
	o.mu.Lock()
	entry, ok := o.known[thing]
	o.mu.Unlock()
	if ok && now.Before(entry.until) {
		return entry.owner, nil
	}
	owner, err := o.lookUp(ctx, thing)
	if err != nil {
		return "", err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) >= maxOwners {
		clear(o.known) // rare, and costs one more read per thing
	}
	o.known[thing] = ownerEntry{owner, now.Add(ownerTTL)}
	return owner, nil
}

func (o *owners) forget(thing string) {
	o.mu.Lock()
	delete(o.known, thing)
	o.mu.Unlock()
}
