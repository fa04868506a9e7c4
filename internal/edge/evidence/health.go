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
	record, upload time.Time // since when all has not been well; zero: it is
	message        string
}

// judge returns what a person should know, and whether that is new.
func (h *health) judge(s Stats, over bool, now time.Time) (message string, changed bool) {
	badDisk := s.Record.State == recording.Full || s.Record.State == recording.Faulty
	badCloud := s.Upload.State == producer.Waiting || s.Upload.State == producer.Faulty
	h.record, h.upload = since(h.record, badDisk, now), since(h.upload, badCloud && !over, now)
	switch {
	case badDisk && now.Sub(h.record) >= recordingPatience:
		message = fmt.Sprintf("video is not recorded: %v", s.Record.Err)
	case over:
		message = "video is not uploaded until tomorrow: upload.daily_bytes are used up; it stays on the disk"
	case badCloud && !over && (now.Sub(h.upload) >= uploadPatience || s.Upload.State == producer.Faulty && now.Sub(h.upload) >= recordingPatience):
		message = "video is not uploaded: " + s.Upload.Fault
	}
	changed, h.message = message != h.message, message
	return message, changed
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
