package evidence

import (
	"fmt"
	"time"

	"porchlight/internal/kvs/producer"
	"porchlight/internal/recording"
)

// How long something may be wrong until it is said in the camera's status.
// Networks come and go, and nobody can do anything about most of it.
const (
	recordingPatience = 30 * time.Second
	uploadPatience    = 3 * time.Minute
)

// health judges what is missing of a camera's evidence, and since when.
type health struct {
	record, upload, stream time.Time // since when all has not been well; zero: it is
	fault                  string    // of the upload
	grave                  bool      // only a person can help
	persisted              int64
	always                 string // what is missing all the time
	message                string
}

// judge returns what a person should know, and whether that is new.
func (h *health) judge(s Stats, now time.Time) (message string, changed bool) {
	badDisk := s.Record.State == recording.Full || s.Record.State == recording.Faulty
	h.record, h.stream = since(h.record, badDisk, now), since(h.stream, s.Stream != "", now)
	h.judgeUpload(s.Upload, now)
	missing := now.Sub(h.upload)
	message = h.always
	switch {
	case s.Stream != "" && now.Sub(h.stream) >= recordingPatience:
		message = "video is not kept: record.source: " + s.Stream
	case badDisk && now.Sub(h.record) >= recordingPatience:
		message = fmt.Sprintf("video is not recorded: %v", s.Record.Err)
	case s.Over:
		message = "video is not uploaded until tomorrow: upload.daily_bytes are used up; it stays on the disk"
	case !h.upload.IsZero() && (missing >= uploadPatience || h.grave && missing >= recordingPatience):
		message = "video is not uploaded: " + h.fault
	}
	changed, h.message = message != h.message, message
	return message, changed
}

// judgeUpload: trying again is no sign of health, only what has got there is.
func (h *health) judgeUpload(s producer.Stats, now time.Time) {
	bad := s.State == producer.Waiting || s.State == producer.Faulty
	well := s.State == producer.Idle || s.State == producer.Paused || s.State == "" || s.Persisted > h.persisted
	h.persisted = s.Persisted
	switch {
	case bad:
		h.upload, h.fault, h.grave = since(h.upload, true, now), s.Fault, s.State == producer.Faulty
	case well:
		h.upload = time.Time{}
	}
}

func since(before time.Time, bad bool, now time.Time) time.Time {
	switch {
	case !bad:
		return time.Time{}
	case before.IsZero() || before.After(now):
		return now
	}
	return before
}
