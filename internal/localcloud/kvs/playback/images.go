package playback

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

type imagesRequest struct {
	wire.StreamRef
	ImageSelectorType            string
	StartTimestamp, EndTimestamp *wire.Time
	SamplingInterval             *int // milliseconds
	Format                       string
	FormatConfig                 map[string]string
	WidthPixels, HeightPixels    *int
	MaxResults                   *int
	NextToken                    string
}

type image struct {
	TimeStamp    wire.Time
	Error        string `json:",omitempty"`
	ImageContent []byte `json:",omitempty"` // base64 on the wire
}

type imagesAnswer struct {
	Images    []image
	NextToken string `json:",omitempty"`
}

const (
	// maxRange is the longest range images are taken from.
	maxRange = 24 * time.Hour
	// smallGap between fragments is none to the eye.
	smallGap = 500 * time.Millisecond
)

func (p *Player) getImages(r *http.Request, in imagesRequest) (out imagesAnswer, err error) {
	stream, err := p.recorded(in.StreamRef)
	if err != nil {
		return out, err
	}
	clock, err := selector{FragmentSelectorType: in.ImageSelectorType}.clock("")
	if err == nil && clock == "" {
		err = wire.Invalid("ImageSelectorType is missing")
	}
	if err != nil {
		return out, err
	}
	from, to, err := selector{TimestampRange: &timeRange{in.StartTimestamp, in.EndTimestamp}}.bounds()
	if err != nil {
		return out, err
	}
	interval, err := number("SamplingInterval", in.SamplingInterval, 3000, 200, 60_000_000)
	if err != nil {
		return out, err
	}
	most, err := number("MaxResults", in.MaxResults, 100, 1, 100)
	if err != nil {
		return out, err
	}
	format, err := in.format()
	if err != nil {
		return out, err
	}
	if to.Sub(from) > maxRange {
		return out, wire.Invalid("the range is longer than %s", maxRange)
	}
	step := time.Duration(interval) * time.Millisecond
	if in.NextToken != "" {
		ms, err := strconv.ParseInt(in.NextToken, 10, 64)
		next := time.UnixMilli(ms).UTC()
		if err != nil || next.Before(from) || next.After(to) {
			return out, wire.Invalid("NextToken is not one that was given for this range")
		}
		from = next
	}
	out.Images = []image{}
	for at := from; !at.After(to); at = at.Add(step) {
		if len(out.Images) == most {
			out.NextToken = strconv.FormatInt(at.UnixMilli(), 10)
			break
		}
		out.Images = append(out.Images, image{TimeStamp: wire.Time{Time: at}, Error: "NO_MEDIA"})
	}
	release, err := p.hold(r)
	if err != nil {
		return out, err
	}
	defer release()
	return out, p.fill(r.Context(), stream.ARN, clock, out.Images, format)
}

func (in imagesRequest) format() (f PictureFormat, err error) {
	if in.Format != "JPEG" && in.Format != "PNG" {
		return f, wire.Invalid("Format is %q: want JPEG or PNG", in.Format)
	}
	f.PNG = in.Format == "PNG"
	for key, value := range in.FormatConfig {
		f.Quality, err = strconv.Atoi(value)
		if key != "JPEGQuality" || err != nil || f.Quality < 1 || f.Quality > 100 {
			return f, wire.Invalid("FormatConfig has %s=%q: want JPEGQuality of 1 to 100", key, value)
		}
	}
	if f.Width, err = number("WidthPixels", in.WidthPixels, 0, 1, 3840); err != nil {
		return f, err
	}
	f.Height, err = number("HeightPixels", in.HeightPixels, 0, 1, 2160)
	return f, err
}

// fill decodes images, all of one fragment at once.
func (p *Player) fill(ctx context.Context, arn string, clock fragments.Clock, images []image, format PictureFormat) error {
	if len(images) == 0 {
		return nil
	}
	// An image in a small gap is of the fragment before it, and that the gap is
	// small is known by the fragment after it.
	found, err := p.cfg.Store.Find(fragments.Query{ARN: arn, Clock: clock, From: images[0].TimeStamp.Add(-smallGap),
		To: images[len(images)-1].TimeStamp.Add(smallGap), Overlapping: true})
	if err != nil {
		return err
	}
	for n, f := range found {
		start := f.Start(clock)
		length := f.Length
		if n+1 < len(found) {
			if next := found[n+1].Start(clock).Sub(start); next-length < smallGap {
				length = next // its last picture stays until the next
			}
		}
		var at []time.Duration
		var which []int
		for i := range images {
			if after := images[i].TimeStamp.Sub(start); after >= 0 && after < length && images[i].Error == "NO_MEDIA" {
				at, which = append(at, after), append(which, i)
			}
		}
		if len(at) == 0 {
			continue
		}
		pictures, err := p.Pictures(ctx, arn, f, at, format)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.cfg.Logger.Warn("no image of a fragment", "fragment", f.Number, "err", err)
		}
		for n, i := range which {
			images[i].Error = "MEDIA_ERROR"
			if err == nil {
				images[i].Error, images[i].ImageContent = "", pictures[n]
			}
		}
	}
	return nil
}
