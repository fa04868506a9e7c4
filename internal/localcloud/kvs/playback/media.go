package playback

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

// Tags that come with fragments in GetMedia.
const (
	tagNumber       = "AWS_KINESISVIDEO_FRAGMENT_NUMBER"
	tagServer       = "AWS_KINESISVIDEO_SERVER_TIMESTAMP"
	tagProducer     = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"
	tagBehind       = "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW"
	tagContinuation = "AWS_KINESISVIDEO_CONTINUATION_TOKEN"
)

const (
	maxReads    = 3    // open GetMedia requests for each stream
	maxListed   = 1000 // fragments of one GetMediaForFragmentList
	contentType = "video/webm"
	readPage    = 50
)

type fragmentListRequest struct {
	wire.StreamRef
	Fragments []string
}

func (p *Player) getMediaForFragmentList(w http.ResponseWriter, r *http.Request) error {
	var in fragmentListRequest
	if err := wire.Decode(r, &in); err != nil {
		return err
	}
	if len(in.Fragments) == 0 || len(in.Fragments) > maxListed {
		return wire.Invalid("Fragments has %d entries: want 1 to %d", len(in.Fragments), maxListed)
	}
	stream, err := in.Find(p.cfg.Store)
	if err != nil {
		return err
	}
	found := make([]fragments.Fragment, 0, len(in.Fragments))
	for _, number := range in.Fragments {
		f, err := p.cfg.Store.Get(stream.ARN, number)
		if err != nil {
			return fmt.Errorf("fragment %s: %w", number, err)
		}
		found = append(found, f)
	}
	w.Header().Set("Content-Type", contentType)
	for _, f := range found {
		if err := p.copyFragment(w, stream.ARN, f, nil); err != nil {
			return p.breakOff(err)
		}
	}
	return nil
}

// copyFragment writes a fragment with the service's tags before its own.
func (p *Player) copyFragment(w io.Writer, arn string, f fragments.Fragment, more []mkv.Tag) error {
	file, err := p.cfg.Store.Open(arn, f)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.CopyN(w, file, f.TagsAt); err != nil {
		return err
	}
	tags := append([]mkv.Tag{{Name: tagNumber, Value: f.Number}, {Name: tagServer, Value: seconds(f.Server)},
		{Name: tagProducer, Value: seconds(f.Producer)}}, more...)
	if _, err := w.Write(mkv.AppendTags(nil, append(tags, f.Tags...))); err != nil {
		return err
	}
	if _, err := file.Seek(f.ClusterAt, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return err
}

// breakOff ends an answer that has begun: all that can be told is that it is not whole.
func (p *Player) breakOff(err error) error {
	p.cfg.Logger.Debug("media answer broken off", "err", err)
	panic(http.ErrAbortHandler)
}

func seconds(t time.Time) string { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }
