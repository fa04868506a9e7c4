package kvs

import (
	"net/http"
	"strconv"
	"strings"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

const minSampling = 200 // milliseconds

type imagesAnswer struct {
	ImageGenerationConfiguration *fragments.ImageGeneration `json:",omitempty"`
}

func (s *Service) describeImages(_ *http.Request, in wire.StreamRef) (imagesAnswer, error) {
	stream, err := in.Find(s.store)
	return imagesAnswer{stream.Images}, err
}

type imagesRequest struct {
	wire.StreamRef
	ImageGenerationConfiguration *fragments.ImageGeneration
}

// updateImages takes effect at once; the real service wants a minute.
func (s *Service) updateImages(_ *http.Request, in imagesRequest) (none, error) {
	if c := in.ImageGenerationConfiguration; c != nil {
		if c.SamplingInterval == 0 {
			c.SamplingInterval = 3000
		}
		if err := s.checkImages(c); err != nil {
			return none{}, err
		}
	}
	return s.change(in.StreamRef, "", func(stream *fragments.Stream) error {
		stream.Images = in.ImageGenerationConfiguration
		return nil
	})
}

func (s *Service) checkImages(c *fragments.ImageGeneration) error {
	bucket, _, ok := s3Destination(c.DestinationConfig.Uri)
	switch {
	case c.Status != "ENABLED" && c.Status != "DISABLED":
		return wire.Invalid("Status is %q: want ENABLED or DISABLED", c.Status)
	case c.ImageSelectorType != string(fragments.ProducerTime) && c.ImageSelectorType != string(fragments.ServerTime):
		return wire.Invalid("ImageSelectorType is %q: want PRODUCER_TIMESTAMP or SERVER_TIMESTAMP", c.ImageSelectorType)
	case !ok || bucket == "":
		return wire.Invalid("the destination is %q: want s3://bucket", c.DestinationConfig.Uri)
	case c.DestinationConfig.DestinationRegion != s.cfg.Region:
		return wire.Invalid("the destination's region is %q: the bucket must be in the stream's, %s", c.DestinationConfig.DestinationRegion, s.cfg.Region)
	case c.SamplingInterval < minSampling || c.SamplingInterval > 20000:
		return wire.Invalid("SamplingInterval is %d: want %d to 20000 milliseconds", c.SamplingInterval, minSampling)
	case c.Format != "JPEG" && c.Format != "PNG":
		return wire.Invalid("Format is %q: want JPEG or PNG", c.Format)
	case !validSize(c.WidthPixels, 3840) || !validSize(c.HeightPixels, 2160):
		return wire.Invalid("images are 1 to 3840 pixels wide and 1 to 2160 high")
	}
	if q, ok := c.FormatConfig["JPEGQuality"]; ok {
		if n, err := strconv.Atoi(q); err != nil || n < 1 || n > 100 {
			return wire.Invalid("JPEGQuality is %q: want 1 to 100", q)
		}
	}
	return nil
}

// validSize accepts 0, which leaves the size to the video.
func validSize(n, limit int) bool { return n >= 0 && n <= limit }

// s3Destination takes s3://bucket or s3://bucket/prefix apart.
func s3Destination(uri string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, prefix, ok
}

type notificationAnswer struct {
	NotificationConfiguration *fragments.Notification `json:",omitempty"`
}

func (s *Service) describeNotification(_ *http.Request, in wire.StreamRef) (notificationAnswer, error) {
	stream, err := in.Find(s.store)
	return notificationAnswer{stream.Notification}, err
}

type notificationRequest struct {
	wire.StreamRef
	NotificationConfiguration *fragments.Notification
}

func (s *Service) updateNotification(_ *http.Request, in notificationRequest) (none, error) {
	if c := in.NotificationConfiguration; c != nil {
		switch {
		case c.Status != "ENABLED" && c.Status != "DISABLED":
			return none{}, wire.Invalid("Status is %q: want ENABLED or DISABLED", c.Status)
		case !strings.Contains(c.DestinationConfig.Uri, ":sns:"):
			return none{}, wire.Invalid("the destination is %q: want the ARN of an SNS topic", c.DestinationConfig.Uri)
		case strings.HasSuffix(c.DestinationConfig.Uri, ".fifo"):
			return none{}, wire.Invalid("the destination is a FIFO topic: only standard topics take notifications")
		}
	}
	return s.change(in.StreamRef, "", func(stream *fragments.Stream) error {
		stream.Notification = in.NotificationConfiguration
		return nil
	})
}
