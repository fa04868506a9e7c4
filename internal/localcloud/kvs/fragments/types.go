package fragments

import (
	"errors"
	"time"

	"porchlight/internal/localcloud/kvs/mkv"
)

// Reasons why a stream or fragment cannot be had.
var (
	ErrNoStream    = errors.New("no such stream")
	ErrExists      = errors.New("a stream of this name exists")
	ErrVersion     = errors.New("the stream has another version")
	ErrNoFragment  = errors.New("no such fragment")
	ErrTooMany     = errors.New("too many streams")
	ErrRetired     = errors.New("the stream was deleted")
	errUncommitted = errors.New("a fragment without blocks cannot be stored")
)

// Stream is one video stream.
type Stream struct {
	Name           string            `json:"name"`
	ARN            string            `json:"arn"`
	Created        time.Time         `json:"created"`
	Version        string            `json:"version"`
	RetentionHours int               `json:"retention_hours"` // 0: nothing is kept beyond a few minutes
	DeviceName     string            `json:"device_name,omitempty"`
	MediaType      string            `json:"media_type,omitempty"`
	KMSKeyID       string            `json:"kms_key_id,omitempty"`
	StorageTier    string            `json:"storage_tier,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Images         *ImageGeneration  `json:"images,omitempty"`
	Notification   *Notification     `json:"notification,omitempty"`
}

// ImageGeneration is a stream's ImageGenerationConfiguration as its API spells it.
type ImageGeneration struct {
	Status            string
	ImageSelectorType string // PRODUCER_TIMESTAMP or SERVER_TIMESTAMP
	DestinationConfig struct {
		Uri               string //nolint:revive // the name in the API
		DestinationRegion string
	}
	SamplingInterval int // milliseconds
	Format           string
	FormatConfig     map[string]string `json:",omitempty"`
	WidthPixels      int               `json:",omitempty"`
	HeightPixels     int               `json:",omitempty"`
}

// Notification is a stream's NotificationConfiguration as its API spells it.
type Notification struct {
	Status            string
	DestinationConfig struct {
		Uri string //nolint:revive // the name in the API
	}
}

// Fragment is one stored fragment. Times have millisecond precision.
type Fragment struct {
	Number   string        `json:"number"`  // 47 digits that grow with time
	Ordinal  uint64        `json:"ordinal"` // counts the stream's fragments from 1
	Producer time.Time     `json:"producer"`
	Server   time.Time     `json:"server"`
	Length   time.Duration `json:"length"`
	// Early is how long before its start the first frame lies: sound may begin before the picture.
	Early time.Duration `json:"early,omitempty"`
	Bytes int64         `json:"bytes"`
	Tags  []mkv.Tag     `json:"tags,omitempty"`
	// Codec tells fragments apart whose tracks differ, codec private data included.
	Codec string `json:"codec"`
	// By is the role whose session sent it, empty for root; Vars are its policy variables.
	By   string            `json:"by,omitempty"`
	Vars map[string]string `json:"vars,omitempty"`
	// TagsAt and ClusterAt are offsets in its file.
	TagsAt    int64 `json:"tags_at"`
	ClusterAt int64 `json:"cluster_at"`
	// Kept is false for a stream without retention, which loses it after some minutes.
	Kept bool `json:"kept"`
}

// End is the producer's time at which it ends.
func (f Fragment) End() time.Time { return f.Producer.Add(f.Length) }

// HasTag tells whether a tag of this name came with the fragment.
func (f Fragment) HasTag(name string) bool {
	for _, t := range f.Tags {
		if t.Name == name {
			return true
		}
	}
	return false
}

// Clock is the time a selection goes by.
type Clock string

// The two clocks a fragment carries.
const (
	ProducerTime Clock = "PRODUCER_TIMESTAMP"
	ServerTime   Clock = "SERVER_TIMESTAMP"
)

// Start is the fragment's start by a clock.
func (f Fragment) Start(c Clock) time.Time {
	if c == ServerTime {
		return f.Server
	}
	return f.Producer
}
