package playback

import (
	"net/http"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

type listRequest struct {
	wire.StreamRef
	FragmentSelector *selector
	MaxResults       int
	NextToken        string
}

type listed struct {
	FragmentNumber               string
	FragmentLengthInMilliseconds int64
	FragmentSizeInBytes          int64
	ProducerTimestamp            wire.Time
	ServerTimestamp              wire.Time
}

type listAnswer struct {
	Fragments []listed
	NextToken string `json:",omitempty"`
}

const (
	defaultList = 100
	maxList     = 1000
)

// listFragments lists in the order of the selected clock, which the real
// service does not promise.
func (p *Player) listFragments(_ *http.Request, in listRequest) (listAnswer, error) {
	if in.MaxResults == 0 {
		in.MaxResults = defaultList
	}
	if in.MaxResults < 1 || in.MaxResults > maxList {
		return listAnswer{}, wire.Invalid("MaxResults is %d: want 1 to %d", in.MaxResults, maxList)
	}
	stream, err := in.Find(p.cfg.Store)
	if err != nil {
		return listAnswer{}, err
	}
	q := fragments.Query{ARN: stream.ARN, Clock: fragments.ProducerTime, Limit: in.MaxResults + 1}
	if in.FragmentSelector != nil {
		if q.Clock, err = in.FragmentSelector.clock(""); err != nil {
			return listAnswer{}, err
		}
		if q.Clock == "" {
			return listAnswer{}, wire.Invalid("FragmentSelectorType is missing")
		}
		if q.From, q.To, err = in.FragmentSelector.bounds(); err != nil {
			return listAnswer{}, err
		}
	}
	if in.NextToken != "" {
		after, err := p.cfg.Store.Get(stream.ARN, in.NextToken)
		if err != nil {
			return listAnswer{}, wire.Invalid("NextToken is not one given here, or what it stood for has expired: list again")
		}
		q.After = &after
	}
	found, err := p.cfg.Store.Find(q)
	out := listAnswer{Fragments: []listed{}}
	for i, f := range found {
		if i == in.MaxResults {
			out.NextToken = found[i-1].Number
			break
		}
		out.Fragments = append(out.Fragments, listed{f.Number, f.Length.Milliseconds(), f.Bytes - f.ClusterAt,
			wire.Time{Time: f.Producer}, wire.Time{Time: f.Server}})
	}
	return out, err
}
