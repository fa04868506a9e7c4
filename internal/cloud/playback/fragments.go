package playback

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	control "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
)

const (
	pageSize = 1000 // the most that the service lists at once
	// mostPages of one listing. A stream takes five fragments a second at most,
	// so that one window always fits.
	mostPages = 20
	// window is what is listed at once where there is much: pages come in no
	// order, so that a listing is good for nothing before its last page.
	window = time.Hour
	// longest is more than any fragment lasts.
	longest = 30 * time.Second
)

// fragment is one that the service keeps.
type fragment struct {
	number string
	start  time.Time // by the camera's clock
	length time.Duration
	bytes  int64
}

func (f fragment) end() time.Time { return f.start.Add(f.length) }

// list returns the fragments that have video of a range, by their start. All
// of those before until are there; it is the range's end unless there are more
// than most, or more than can be listed at once.
func (p *Player) list(ctx context.Context, stream string, r Range, most int) (found []fragment, until time.Time, err error) {
	at, pages, step := r.From.Add(-longest), mostPages, r.To.Sub(r.From)+longest
	if !at.Before(r.To) { // a range that ends before it begins, by some device's clock
		return nil, r.To, nil
	}
	if step > window+longest {
		// A day of events is one page, a day without a pause is forty and more.
		part, _, all, err := p.listed(ctx, stream, Range{at, r.To}, 1)
		if err != nil || all {
			return within(part, r), r.To, err
		}
		step = window
	}
	for at.Before(r.To) {
		to := at.Add(step)
		if to.After(r.To) {
			to = r.To
		}
		part, used, all, err := p.listed(ctx, stream, Range{at, to}, pages)
		if err != nil {
			return nil, at, err
		}
		if !all {
			break
		}
		found, at, pages = append(found, part...), to, pages-used
		if len(found) > most || pages == 0 {
			break
		}
	}
	if !at.After(r.From) {
		return nil, at, fmt.Errorf("%w: more than %d fragments were listed of %s from %s", ErrBusy, mostPages*pageSize, window, at)
	}
	return within(found, r), at, nil
}

// find is list for what is to be played: it fails with ErrNoVideo or ErrNotYet
// where there is nothing.
func (p *Player) find(ctx context.Context, stream string, r Range, most int) (found []fragment, until time.Time, err error) {
	found, until, err = p.list(ctx, stream, r, most)
	switch {
	case err != nil:
		return nil, until, p.explain(err, r.To)
	case len(found) > 0:
		return found, until, nil
	case until.Before(r.To):
		return nil, until, fmt.Errorf("%w: there is nothing until %s, and more after it than can be listed at once", ErrBusy, until)
	}
	return nil, until, p.missing(r.To)
}

// listed reads up to so many pages of the fragments that start in a range, and
// says how many and whether that was all.
func (p *Player) listed(ctx context.Context, stream string, r Range, pages int) (found []fragment, used int, all bool, err error) {
	in := &kinesisvideoarchivedmedia.ListFragmentsInput{
		StreamName: &stream, MaxResults: aws.Int64(pageSize),
		FragmentSelector: &types.FragmentSelector{
			FragmentSelectorType: types.FragmentSelectorTypeProducerTimestamp,
			TimestampRange:       &types.TimestampRange{StartTimestamp: aws.Time(r.From), EndTimestamp: aws.Time(last(r))},
		},
	}
	for used < pages {
		out, err := ask(ctx, p, stream, control.APINameListFragments, func(at func(*kinesisvideoarchivedmedia.Options)) (*kinesisvideoarchivedmedia.ListFragmentsOutput, error) {
			return p.cfg.Media.ListFragments(ctx, in, at)
		})
		if err != nil {
			return nil, used, false, fmt.Errorf("list fragments of %s: %w", stream, err)
		}
		used++
		for _, f := range out.Fragments {
			found = append(found, fragment{
				aws.ToString(f.FragmentNumber), aws.ToTime(f.ProducerTimestamp).UTC(),
				time.Duration(f.FragmentLengthInMilliseconds) * time.Millisecond, f.FragmentSizeInBytes,
			})
		}
		if aws.ToString(out.NextToken) == "" {
			return found, used, true, nil
		}
		in.NextToken = out.NextToken
	}
	return found, used, false, nil
}

// last is the last millisecond of a range: the ends that the service takes are
// included, and it counts in milliseconds.
func last(r Range) time.Time {
	end := r.To.Add(-time.Millisecond)
	if !end.After(r.From) {
		end = r.From.Add(time.Millisecond) // an empty range is an error to the service
	}
	return end
}

// within sorts fragments, and leaves out those with nothing of the range and,
// of two with one start, the older one, which the service does not play.
func within(found []fragment, r Range) []fragment {
	slices.SortFunc(found, func(a, b fragment) int {
		if c := a.start.Compare(b.start); c != 0 {
			return c
		}
		return -compareNumbers(a.number, b.number)
	})
	found = slices.CompactFunc(found, func(a, b fragment) bool { return a.start.Equal(b.start) })
	return slices.DeleteFunc(found, func(f fragment) bool {
		return !f.start.Before(r.To) || f.start.Before(r.From) && !f.end().After(r.From)
	})
}

// compareNumbers compares fragment numbers, which are decimal.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
