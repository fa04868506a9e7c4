package playback

import (
	"context"
	"errors"
	"time"
)

const (
	// smallGap is the longest pause between two fragments that is none to a
	// person: a frame that was late, a clock that was set.
	smallGap = time.Second
	// mostRanges of one answer.
	mostRanges = 2000
)

// Recordings returns of when there is video in a range. When that is not all,
// more says where to ask on; else it is zero. Errors are ErrBusy and those of
// the service.
func (p *Player) Recordings(ctx context.Context, camera string, r Range) (ranges []Range, more time.Time, err error) {
	found, until, err := p.list(ctx, camera, r, mostPages*pageSize)
	if errors.Is(err, ErrNoVideo) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	ranges = merge(found, Range{r.From, until})
	if len(ranges) > mostRanges {
		until = ranges[mostRanges].From
		ranges = ranges[:mostRanges]
	}
	if until.Before(r.To) {
		more = until
	}
	return ranges, more, nil
}

// merge makes one range of fragments that follow each other.
func merge(found []fragment, r Range) (ranges []Range) {
	for _, f := range found {
		from, to := f.start, f.end()
		if from.Before(r.From) {
			from = r.From
		}
		if to.After(r.To) {
			to = r.To
		}
		if !to.After(from) {
			continue
		}
		if n := len(ranges); n > 0 && from.Sub(ranges[n-1].To) <= smallGap {
			if to.After(ranges[n-1].To) {
				ranges[n-1].To = to
			}
			continue
		}
		ranges = append(ranges, Range{from, to})
	}
	return ranges
}
