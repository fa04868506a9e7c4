package capture

import "sync/atomic"

// Attention says how much of a camera is wanted: every picture, or, while
// nothing happens, its keyframes alone, which costs a small part of the
// processor time. Whoever looks at the frames sets it; Run obeys it.
//
// Only RTSP cameras can rest like that. A USB camera's and a file's pictures
// are all decoded, whatever is asked for: their packets never pass through
// this process.
//
// A resting camera wakes by itself for a few seconds when its packets grow,
// which is the first sign of something moving, and hands on the pictures of
// the last half second at once. It stays awake if Full is then set.
//
// The zero value wants every picture. All methods may be called from any
// goroutine.
type Attention struct {
	idle                atomic.Bool
	fed, skipped, wakes atomic.Int64
}

// Stats counts the packets of a camera with an Attention.
type Stats struct {
	Fed     int64 // packets given to the decoder
	Skipped int64 // packets it was spared
	Wakes   int64 // how often grown packets woke the camera
}

// SetFull asks for every picture, or no longer. Set it when something has
// been seen, and for as long as it matters: a camera on which that happens
// without a sign in its packets is taken for one whose packets say nothing.
func (a *Attention) SetFull(full bool) { a.idle.Store(!full) }

// Full reports whether every picture is wanted. A nil Attention wants them all.
func (a *Attention) Full() bool { return a == nil || !a.idle.Load() }

// Stats returns the counts so far.
func (a *Attention) Stats() Stats {
	return Stats{Fed: a.fed.Load(), Skipped: a.skipped.Load(), Wakes: a.wakes.Load()}
}
