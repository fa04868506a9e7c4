package playback

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/mkv"
	"porchlight/internal/localcloud/kvs/wire"
)

type getMediaRequest struct {
	wire.StreamRef
	StartSelector struct {
		StartSelectorType   string
		AfterFragmentNumber string
		StartTimestamp      *wire.Time
		ContinuationToken   string
	}
}

// getMedia sends fragments as they are stored, until none has come for a while
// or the client has enough. A client goes on with the continuation token.
func (p *Player) getMedia(w http.ResponseWriter, r *http.Request) error {
	var in getMediaRequest
	if err := wire.Decode(r, &in); err != nil {
		return err
	}
	stream, err := in.Find(p.cfg.Store)
	if err != nil {
		return err
	}
	q, err := p.begin(stream, in)
	if err != nil {
		return err
	}
	if !p.enter(stream.ARN) {
		return wire.Error("ConnectionLimitExceededException", "%d GetMedia requests of this stream are open: end one first", maxReads)
	}
	defer p.leave(stream.ARN)
	w.Header().Set("Content-Type", contentType)
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		return p.breakOff(err)
	}
	for {
		changed := p.cfg.Store.Changed(stream.ARN)
		found, err := p.cfg.Store.Find(q)
		if err != nil {
			return p.breakOff(err)
		}
		for i, f := range found {
			q.After = &found[i]
			behind := max(p.cfg.Now().Sub(f.End()).Milliseconds(), 0)
			err := p.copyFragment(w, stream.ARN, f, []mkv.Tag{{Name: tagBehind, Value: strconv.FormatInt(behind, 10)},
				{Name: tagContinuation, Value: f.Number}})
			if err != nil {
				return p.breakOff(err)
			}
		}
		if len(found) > 0 {
			if err := out.Flush(); err != nil {
				return p.breakOff(err)
			}
		}
		if len(found) < readPage && !p.wait(r.Context(), changed) {
			return nil
		}
	}
}

// begin turns a start selector into a query in the order of arrival.
func (p *Player) begin(stream fragments.Stream, in getMediaRequest) (q fragments.Query, err error) {
	q = fragments.Query{ARN: stream.ARN, Clock: fragments.ServerTime, Limit: readPage, Transient: true}
	s := in.StartSelector
	after := s.AfterFragmentNumber
	switch s.StartSelectorType {
	case "EARLIEST":
	case "NOW":
		newest, err := p.cfg.Store.Latest(stream.ARN, fragments.ServerTime, 1, true)
		if err == nil && len(newest) > 0 {
			q.After = &newest[0]
		}
		return q, err
	case "CONTINUATION_TOKEN":
		after = s.ContinuationToken
		fallthrough
	case "FRAGMENT_NUMBER":
		f, err := p.cfg.Store.Get(stream.ARN, after)
		q.After = &f
		return q, err
	case "SERVER_TIMESTAMP":
		if s.StartTimestamp == nil {
			return q, wire.Invalid("StartTimestamp is missing")
		}
		q.From = s.StartTimestamp.Time
	case "PRODUCER_TIMESTAMP":
		if s.StartTimestamp == nil {
			return q, wire.Invalid("StartTimestamp is missing")
		}
		found, err := p.cfg.Store.Find(fragments.Query{ARN: stream.ARN, Clock: fragments.ProducerTime, From: s.StartTimestamp.Time,
			Limit: 1, Transient: true})
		if err == nil && len(found) == 0 {
			err = wire.NotFound("no fragment was recorded at or after %s", s.StartTimestamp.Format(time.RFC3339))
		}
		if err != nil {
			return q, err
		}
		q.From = found[0].Server
	default:
		return q, wire.Invalid("StartSelectorType is %q: want EARLIEST, NOW, FRAGMENT_NUMBER, CONTINUATION_TOKEN, SERVER_TIMESTAMP or PRODUCER_TIMESTAMP",
			s.StartSelectorType)
	}
	return q, nil
}

// wait returns true when there may be more to read.
func (p *Player) wait(ctx context.Context, changed <-chan struct{}) bool {
	idle := time.NewTimer(p.cfg.MediaIdle)
	defer idle.Stop()
	select {
	case <-changed:
		return true
	case <-idle.C:
	case <-ctx.Done():
	case <-p.stopping:
	}
	return false
}

func (p *Player) enter(arn string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads[arn] == maxReads {
		return false
	}
	p.reads[arn]++
	return true
}

func (p *Player) leave(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads[arn]--; p.reads[arn] == 0 {
		delete(p.reads, arn)
	}
}
