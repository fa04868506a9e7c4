package ingest

import (
	"slices"
	"sync"
	"time"
)

// Fault is something that goes wrong with uploads, for tests of producers.
// Stream, Fragment and Times say when; of the others, what is set happens.
type Fault struct {
	Stream   string // name; empty: any
	Fragment int    // counted from 1 on each connection; 0: the connection as a whole, or each of its fragments
	Times    int    // how often; 0: once, -1: always

	Status int    // refuse the request with this HTTP status
	Code   string // and this error code

	ErrorID  int           // send this ERROR instead of storing the fragment
	DropAcks []string      // event types that are not sent
	Delay    time.Duration // every acknowledgment comes this much later
	Cut      bool          // close the connection in the middle of the fragment
	Stall    time.Duration // stop reading in the middle of the fragment, then close
}

// Faults are those in force. The zero value has none. It is safe for concurrent use.
type Faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Inject puts a fault in force and returns what ends it.
func (f *Faults) Inject(fault Fault) (remove func()) {
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, &fault)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.list = slices.DeleteFunc(f.list, func(other *Fault) bool { return other == &fault })
	}
}

// take returns the first fault that applies to a fragment of a stream and is
// of the wanted kind, and counts it.
func (f *Faults) take(stream string, fragment int, wanted func(*Fault) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if fault.Times == 0 || fault.Stream != "" && fault.Stream != stream ||
			fault.Fragment != 0 && fault.Fragment != fragment || !wanted(fault) {
			continue
		}
		if fault.Times > 0 {
			fault.Times--
		}
		return *fault, true
	}
	return Fault{}, false
}

func refuses(f *Fault) bool    { return f.Status != 0 }
func delays(f *Fault) bool     { return f.Delay != 0 }
func interrupts(f *Fault) bool { return f.Cut || f.Stall != 0 }
func spoils(f *Fault) bool     { return f.ErrorID != 0 }

func drops(event string) func(*Fault) bool {
	return func(f *Fault) bool { return slices.Contains(f.DropAcks, event) }
}
