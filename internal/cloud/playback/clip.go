package playback

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	control "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
)

// The service cuts a clip off after this much, and does not say so.
const (
	mostClipFragments = 200
	mostClipBytes     = 100_000_000
)

// Clip is a file in the bucket.
type Clip struct {
	Key      string
	Bytes    int64
	From, To time.Time // of its video, which begins with a keyframe
}

// Clip puts what there is in a range into the bucket as one MP4 file, the gaps
// left out. A file of the same fragments that is there already is not made
// again. owner is whose it is: files of different owners never share a key.
// Errors are those of the package and *TooLongError.
func (p *Player) Clip(ctx context.Context, owner, camera string, r Range) (Clip, error) {
	found, until, err := p.find(ctx, camera, r, mostClipFragments)
	if err != nil {
		return Clip{}, err
	}
	if n := fitting(found); n < len(found) || until.Before(r.To) {
		if n == 0 {
			return Clip{}, fmt.Errorf("%w: its first fragment is larger than a clip may be", ErrFormat)
		}
		return Clip{}, &TooLongError{Until: found[n-1].end()}
	}
	c := Clip{Key: clipKey(owner, camera, found), From: found[0].start, To: found[len(found)-1].end()}
	if c.Bytes, err = p.kept(ctx, c.Key); err != nil || c.Bytes > 0 {
		return c, err
	}
	c.Bytes, err = p.keep(ctx, camera, c, func(ctx context.Context) (io.ReadCloser, error) {
		return p.fetch(ctx, camera, Range{c.From, found[len(found)-1].start.Add(2 * time.Millisecond)})
	})
	if err != nil {
		return Clip{}, p.explain(err, r.To)
	}
	return c, nil
}

// fitting is how many of the fragments a clip can hold.
func fitting(found []fragment) int {
	var bytes int64
	for i, f := range found {
		if bytes += f.bytes; bytes > mostClipBytes || i == mostClipFragments {
			return i
		}
	}
	return len(found)
}

// fetch begins to download a clip.
func (p *Player) fetch(ctx context.Context, stream string, r Range) (io.ReadCloser, error) {
	in := &kinesisvideoarchivedmedia.GetClipInput{StreamName: &stream, ClipFragmentSelector: &types.ClipFragmentSelector{
		FragmentSelectorType: types.ClipFragmentSelectorTypeProducerTimestamp,
		TimestampRange:       &types.ClipTimestampRange{StartTimestamp: aws.Time(r.From), EndTimestamp: aws.Time(last(r))},
	}}
	out, err := ask(ctx, p, stream, control.APINameGetClip, func(at func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.GetClipOutput, error) {
		return p.cfg.Media.GetClip(ctx, in, at)
	})
	if err != nil {
		return nil, fmt.Errorf("get clip of %s: %w", stream, err)
	}
	return out.Payload, nil
}

// clipsPrefix starts the keys of clips; a lifecycle rule of the bucket removes
// them.
const clipsPrefix = "clips/"

const stampLayout = "20060102T150405.000Z"

// clipKey is the same for the same fragments only: video may still be coming,
// or be filled in after an outage.
func clipKey(owner, camera string, found []fragment) string {
	whose, numbers := sha256.Sum256([]byte(owner)), sha256.New()
	for _, f := range found {
		_, _ = io.WriteString(numbers, f.number+"\n") // a hash takes everything
	}
	const enough = 16 // bytes
	return fmt.Sprintf("%s%s/%s/%s-%s-%s.mp4", clipsPrefix, hex.EncodeToString(whose[:enough]), camera,
		found[0].start.UTC().Format(stampLayout), found[len(found)-1].end().UTC().Format(stampLayout), hex.EncodeToString(numbers.Sum(nil)[:enough]))
}

// fileName is what a browser saves a clip as.
func fileName(camera string, c Clip) string {
	return camera + "_" + c.From.UTC().Format("20060102T150405Z") + ".mp4"
}
