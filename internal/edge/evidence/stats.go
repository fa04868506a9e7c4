package evidence

import (
	"time"

	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

// Stats is how the evidence of a camera fares.
type Stats struct {
	Record   recording.Stats // zero: nothing is recorded
	Upload   producer.Stats  // zero: nothing is uploaded
	Today    int64           // bytes uploaded
	Over     bool            // nothing more is uploaded today
	OnDisk   int64           // bytes
	Recorded bool            // whether anything is to be recorded
	Uploaded bool            // whether anything is to be uploaded
}

// Stats returns how the camera's evidence fares.
func (k *Keeper) Stats() Stats {
	s := k.state()
	if k.locker.library != nil {
		for _, bytes := range k.locker.library.Usage(k.camera).Bytes {
			s.OnDisk += bytes
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Today, s.Over = k.note.Bytes, k.desk.over
	return s
}

// state is what is known without looking at the disk.
func (k *Keeper) state() Stats {
	s := Stats{Recorded: k.rec != nil, Uploaded: k.up != nil}
	if k.rec != nil {
		s.Record = k.rec.Stats()
	}
	if k.up != nil {
		s.Upload = k.up.Stats()
	}
	return s
}

// All returns how the evidence of all cameras fares, by camera.
func (l *Locker) All() map[string]Stats {
	l.mu.Lock()
	keepers := make([]*Keeper, 0, len(l.keepers))
	for _, k := range l.keepers {
		keepers = append(keepers, k)
	}
	l.mu.Unlock()
	all := map[string]Stats{}
	for _, k := range keepers {
		all[k.camera] = k.Stats()
	}
	return all
}

// Held is how much of the camera's newest video is in memory.
func (k *Keeper) Held() time.Duration { return k.ring.Stats().Held }
