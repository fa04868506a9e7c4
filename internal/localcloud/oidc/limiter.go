package oidc

import (
	"strings"
	"sync"
	"time"
)

const (
	freeFailures = 5 // before waits begin
	firstWait    = 30 * time.Second
	longestWait  = 15 * time.Minute
	maxTracked   = 10_000 // e-mails
)

// limiter slows down guessing, per e-mail whether or not anybody has it.
type limiter struct {
	mu    sync.Mutex
	byKey map[string]*failures
	now   func() time.Time
}

type failures struct {
	count int
	last  time.Time
}

func newLimiter() *limiter { return &limiter{byKey: map[string]*failures{}, now: time.Now} }

// take counts an attempt in advance, so that many at once cannot slip through,
// and returns how long to wait when there were too many.
func (l *limiter) take(email string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, now := strings.ToLower(email), l.now()
	f := l.byKey[key]
	if f == nil {
		if len(l.byKey) >= maxTracked {
			l.forgetOld(now)
		}
		if len(l.byKey) >= maxTracked {
			return firstWait
		}
		f = &failures{}
		l.byKey[key] = f
	}
	if now.Sub(f.last) > longestWait {
		f.count = 0
	}
	if wait := f.last.Add(f.wait()).Sub(now); f.count >= freeFailures && wait > 0 {
		return wait
	}
	f.count++
	f.last = now
	return 0
}

// succeeded forgets an e-mail's failures.
func (l *limiter) succeeded(email string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byKey, strings.ToLower(email))
}

func (l *limiter) forgetOld(now time.Time) {
	for key, f := range l.byKey {
		if now.Sub(f.last) > longestWait {
			delete(l.byKey, key)
		}
	}
}

// wait doubles with every failure beyond the free ones.
func (f *failures) wait() time.Duration {
	return min(firstWait<<min(max(f.count-freeFailures, 0), 10), longestWait)
}
