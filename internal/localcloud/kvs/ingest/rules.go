package ingest

import (
	"errors"
	"strings"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
)

const (
	maxTags     = 10  // of one fragment
	maxTagName  = 128 // bytes
	maxTagValue = 256 // bytes
	// maxAhead is how far a producer's clock may be in front of the service's.
	maxAhead = 24 * time.Hour

	// EndOfFragment is the tag that ends a fragment before the next begins.
	EndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
	// ImageTag asks for images of a fragment in S3.
	ImageTag = "AWS_KINESISVIDEO_IMAGE_GENERATION"
	// ImagePrefixTag says what their keys begin with.
	ImagePrefixTag = "AWS_KINESISVIDEO_IMAGE_PREFIX"
	// NotificationTag asks for a message about a fragment.
	NotificationTag = "AWS_KINESISVIDEO_NOTIFICATION"
)

// rules is what a connection remembers from one fragment to the next.
type rules struct {
	header   *mkv.Header
	lead     mkv.Track // the track fragments are measured by: the video, or the only one there is
	tags     []mkv.Tag // before any fragment, so of the first
	whole    bool      // a cluster has ended; tags that follow are its fragment's
	count    int
	opened   int64 // timecode of the previous fragment, ticks
	previous int64 // the last timecode of the lead track, ticks
	frame    time.Duration
	ended    bool // the request's body is complete
}

// fragment is the one being sent.
type fragment struct {
	writer    *fragments.Writer
	ms        int64 // its timecode
	timecode  int64 // ticks
	seen      map[uint64]bool
	first     int64 // ticks, of the lead track
	last      int64
	frames    int64
	ackNumber string
	acked     bool // an acknowledgment named it
}

// take holds one event to the rules; an error ends the connection.
func (c *connection) take(e mkv.Event) error {
	switch e.Kind {
	case mkv.Tracks:
		return c.begin(e.Header)
	case mkv.Tags:
		return c.tag(e.Tags)
	case mkv.ClusterStart:
		if err := c.settle(); err != nil {
			return err
		}
		return c.open(int64(e.Timecode))
	case mkv.BlockRead:
		return c.block(e.Block)
	default:
		if c.whole = true; e.TagsFollow {
			return nil
		}
		return c.settle()
	}
}

// settle completes the fragment whose cluster has ended, once no more tags can come for it.
func (c *connection) settle() error {
	if !c.whole {
		return nil
	}
	c.whole = false
	return c.complete()
}

func (c *connection) begin(h *mkv.Header) error {
	if limit := c.server.cfg.Limits.Tracks; len(h.Tracks) > limit {
		return reject(TooManyTracks, "%d tracks and %d are allowed", len(h.Tracks), limit)
	}
	c.header, c.lead = h, h.Tracks[0]
	for _, t := range h.Tracks {
		if t.Type == mkv.Video {
			c.lead = t
			break
		}
	}
	c.opened, c.previous = -1, -1
	return nil
}

// tag notes tags. They belong to the cluster before them
// (https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/images.html, on how to look for them with mkvinfo).
func (c *connection) tag(tags []mkv.Tag) error {
	of, end := &c.tags, false
	if c.whole {
		of = &c.writer.Fragment.Tags
	}
	for _, t := range tags {
		switch t.Name {
		case EndOfFragment:
			end = true
			continue
		case ImageTag, ImagePrefixTag, NotificationTag:
		default:
			if strings.HasPrefix(t.Name, "AWS") {
				return reject(MetadataLimit, "the tag %s has a reserved name", t.Name)
			}
		}
		if t.Name == "" || len(t.Name) > maxTagName || len(t.Value) > maxTagValue {
			return reject(MetadataLimit, "a tag has a name of %d bytes and a value of %d", len(t.Name), len(t.Value))
		}
		if *of = append(*of, t); len(*of) > maxTags {
			return reject(MetadataLimit, "more than %d tags", maxTags)
		}
	}
	if end {
		return c.settle()
	}
	return nil
}

// open begins a fragment.
func (c *connection) open(timecode int64) error {
	c.count++
	ms := c.header.Milliseconds(timecode)
	c.fragment = fragment{ms: ms, timecode: timecode, seen: map[uint64]bool{}, acked: true}
	if timecode <= c.opened {
		return reject(TimecodeNotAfterPrevious, "a fragment at %d ms follows one at %d ms", ms, c.header.Milliseconds(c.opened))
	}
	producer := c.start.Add(time.Duration(ms) * time.Millisecond).UTC()
	if ms > int64(time.Duration(1<<62)/time.Millisecond) || producer.After(c.server.cfg.Now().Add(maxAhead)) {
		return reject(InvalidProducerTimestamp, "the fragment is from %s: set the producer's clock", producer)
	}
	w, err := c.server.cfg.Store.Begin(c.stream, c.header, fragments.Fragment{Producer: producer, Tags: c.tags, By: c.by, Vars: c.vars})
	if err != nil {
		return reject(ArchivalError, "%w", err)
	}
	c.writer, c.ackNumber, c.tags = w, w.Fragment.Number, nil
	c.ack(Ack{EventType: Buffering})
	return nil
}

func (c *connection) block(b mkv.Block) error {
	limits := c.server.cfg.Limits
	if _, ok := c.header.Track(b.Track); !ok {
		return reject(TrackNumberMismatch, "a frame of track %d, which was not declared", b.Track)
	}
	if b.Track == c.lead.Number {
		if c.frames == 0 {
			if c.lead.Type == mkv.Video && !b.Key {
				return reject(InvalidMatroska, "the fragment does not begin with a key frame")
			}
			if b.Timecode <= c.previous {
				return reject(TimecodeNotAfterPrevious, "a fragment begins at %d ms and the one before had a frame at %d ms",
					c.header.Milliseconds(b.Timecode), c.header.Milliseconds(c.previous))
			}
			c.first, c.last = b.Timecode, b.Timecode
		}
		c.frames++
		c.first, c.last = min(c.first, b.Timecode), max(c.last, b.Timecode)
	}
	c.seen[b.Track] = true
	at := time.Duration(c.header.Milliseconds(b.Timecode)-c.ms) * time.Millisecond
	if at > limits.FragmentDuration {
		return reject(FragmentTooLong, "it lasts longer than %s", limits.FragmentDuration)
	}
	if c.writer.Fragment.Bytes+int64(len(b.Data)) > limits.FragmentBytes {
		return reject(FragmentTooLarge, "it has more than %d bytes", limits.FragmentBytes)
	}
	if err := c.writer.Block(b.Track, at, b.Key, b.Data); err != nil {
		if errors.Is(err, mkv.ErrInvalid) {
			return reject(InvalidMatroska, "%w", err)
		}
		return reject(ArchivalError, "%w", err)
	}
	return c.misbehave()
}

// complete stores a fragment that came whole.
func (c *connection) complete() error {
	for _, t := range c.header.Tracks {
		if !c.seen[t.Number] {
			return reject(FramesMissing, "no frame of track %d came", t.Number)
		}
	}
	if f, ok := c.server.cfg.Faults.take(c.stream.Name, c.count, spoils); ok {
		return reject(f.ErrorID, "injected fault")
	}
	c.opened, c.previous = c.timecode, c.last
	c.ack(Ack{EventType: Received})
	w := c.writer
	c.writer = nil
	// The stream as it is now: what it is configured to do may have changed.
	stream, err := c.server.cfg.Store.Stream(c.stream.ARN)
	work := err == nil && c.server.cfg.Work(stream, w.Fragment)
	stored, err := w.Commit(c.length(), work)
	switch {
	case errors.Is(err, fragments.ErrRetired):
		return reject(StreamNotActive, "%w", err)
	case err != nil:
		return reject(ArchivalError, "%w", err)
	}
	if work {
		c.server.cfg.Stored(c.stream.ARN, stored)
	}
	if stored.Kept {
		c.ack(Ack{EventType: Persisted})
	}
	c.fragment = fragment{}
	return nil
}

// length is how long the fragment plays: from the first frame of its lead
// track to the end of the last, which is taken to last as long as the others do.
func (c *connection) length() time.Duration {
	ms := func(ticks int64) time.Duration { return time.Duration(c.header.Milliseconds(ticks)) * time.Millisecond }
	span := ms(c.last) - ms(c.first)
	switch {
	case c.frames > 1:
		c.frame = span / time.Duration(c.frames-1)
	case c.frame == 0:
		c.frame = time.Duration(c.lead.FrameLength)
	}
	return (span + c.frame).Round(time.Millisecond)
}
