package iot

import (
	"slices"
	"sync"
)

// Bounds of what waits for a slow handler.
const (
	maxInbox      = 64
	maxInboxBytes = 1 << 20
)

// letter is one thing for a handler: a message, or word that the subscription
// is in effect.
type letter struct {
	ready   bool
	topic   string
	payload []byte
}

// inbox keeps letters in order for one handler. When it is full, the oldest
// message makes room.
type inbox struct {
	wake chan struct{}

	mu      sync.Mutex
	letters []letter
	bytes   int
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put never waits. It returns how many messages it dropped.
func (b *inbox) put(l letter) (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.ready {
		b.letters = slices.DeleteFunc(b.letters, func(o letter) bool { return o.ready }) // one word of it is enough
	}
	b.letters = append(b.letters, l)
	b.bytes += len(l.payload)
	for len(b.letters) > maxInbox || b.bytes > maxInboxBytes && len(b.letters) > 1 {
		oldest := slices.IndexFunc(b.letters, func(o letter) bool { return !o.ready })
		b.bytes -= len(b.letters[oldest].payload)
		b.letters = slices.Delete(b.letters, oldest, oldest+1)
		dropped++
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return dropped
}

func (b *inbox) take() (letter, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) == 0 {
		return letter{}, false
	}
	l := b.letters[0]
	b.letters = slices.Delete(b.letters, 0, 1)
	b.bytes -= len(l.payload)
	return l, true
}
