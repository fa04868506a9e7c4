package evidence

import (
	"time"

	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

// Stats is how the evidence of a camera fares.
type Stats struct {
	Record   recording.Stats // zero: nothing is recorded
	Upload   producer.Stats  // zero: nothing is uploaded
	Today    int64           // bytes uploaded
	Over     bool            // nothing more is uploaded today
	Stream   string          // what is wrong with the stream that is kept
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
	s.Today, s.Over, s.Stream = k.note.Bytes, k.desk.over, k.stream
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

// Telemetry is what is said of it to the cloud.
func (s Stats) Telemetry() *event.VideoTelemetry {
	t := &event.VideoTelemetry{DiskBytes: s.OnDisk}
	if s.Recorded {
		t.Record, t.RecordLost = string(s.Record.State), s.Record.Lost
	}
	if s.Uploaded {
		t.Upload, t.UploadBytes = string(s.Upload.State), s.Today
		t.Sent, t.Resent, t.Persisted, t.Unpersisted = s.Upload.Sent, s.Upload.Resent, s.Upload.Persisted, s.Upload.Unpersisted
		t.UploadLost = s.Upload.Lost + s.Upload.Dropped
	}
	if s.Over {
		t.Upload = "over"
	}
	return t
}

// Held is how much of the camera's newest video is in memory.
func (k *Keeper) Held() time.Duration { return k.ring.Stats().Held }
