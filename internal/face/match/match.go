// Package match finds whose face it is among many: the nearest embeddings by
// cosine distance, exactly, by looking at all of them. At the speed of memory
// that takes about 50 ms for a million embeddings of 512 numbers, so there is
// no approximate index to tune.
//
// A person is best added as one row, the mean of the embeddings of several
// pictures (face.Mean); several rows of one name count as the nearest of them.
// The defaults of Rule were chosen on 50 persons of LFW with three pictures
// each, five further pictures of each and 200 strangers, with a MobileFaceNet:
// 249 of 250 are named right, none wrong, and 2 of the strangers get a name. At
// the threshold at which pairs of LFW are told apart best, a cosine of 0.315,
// many more would.
package match

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"porchlight/internal/face"
)

// Match is a name and how far away its nearest row is, as a cosine distance.
type Match struct {
	Name     string
	Distance float64 // 0..2
}

// Result of a search: the nearest name and the nearest other one. Either is
// empty, at the distance 2, when there is none.
type Result struct{ Best, Second Match }

// Rule says when the nearest name is the answer. Zero values mean the defaults.
type Rule struct {
	MaxDistance float64 // further away it is nobody known; 0.55, a cosine of 0.45
	MinLead     float64 // that the runner-up must be further away; 0.1
}

// Defaults of a Rule.
const (
	DefaultMaxDistance = 0.55
	DefaultMinLead     = 0.1
)

// Name returns whose face it is. It is not ok when that is nobody known, or
// when two persons are about as near: a wrong name is worse than none.
func (r Rule) Name(found Result) (name string, ok bool) {
	limit, lead := r.MaxDistance, r.MinLead
	if limit == 0 {
		limit = DefaultMaxDistance
	}
	if lead == 0 {
		lead = DefaultMinLead
	}
	if found.Best.Name == "" || !(found.Best.Distance <= limit) || found.Second.Distance-found.Best.Distance < lead {
		return "", false
	}
	return found.Best.Name, true
}

// Index holds embeddings of one model, each with a name. Searches may run at
// the same time, but not while something is added.
type Index struct {
	model face.Model
	rows  []float32 // one after the other
	owner []int32   // of each row, a place in names
	names []string
	place map[string]int32
}

// New returns an empty index with room for a number of rows.
func New(m face.Model, room int) (*Index, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &Index{
		model: m, place: map[string]int32{},
		rows: make([]float32, 0, max(room, 0)*m.Dimension), owner: make([]int32, 0, max(room, 0)),
	}, nil
}

// Len is the number of rows.
func (x *Index) Len() int { return len(x.owner) }

// Add adds an embedding, which has length 1 as face.NewEmbedding makes it.
// Errors are face.ErrOtherModel and face.ErrEmbedding.
func (x *Index) Add(name string, e face.Embedding) error {
	if err := x.check(e); err != nil {
		return err
	}
	if name == "" || len(x.names) == math.MaxInt32 {
		return fmt.Errorf("%w: it has no name", face.ErrEmbedding)
	}
	place, known := x.place[name]
	if !known {
		place = int32(len(x.names))
		x.place[name], x.names = place, append(x.names, name)
	}
	x.rows, x.owner = append(x.rows, e.Vector...), append(x.owner, place)
	return nil
}

func (x *Index) check(e face.Embedding) error {
	if !x.model.Same(e.Model) {
		return fmt.Errorf("%w: %s and %s", face.ErrOtherModel, x.model.Name, e.Model.Name)
	}
	if len(e.Vector) != x.model.Dimension {
		return fmt.Errorf("%w: %d numbers for %d dimensions", face.ErrEmbedding, len(e.Vector), x.model.Dimension)
	}
	return nil
}

// leastRows is how many rows are worth a goroutine of their own.
const leastRows = 4096

// Nearest finds the nearest names. It looks at every row, on all processors
// when there are many. Errors are those of Add.
func (x *Index) Nearest(e face.Embedding) (Result, error) {
	if err := x.check(e); err != nil {
		return Result{}, err
	}
	workers := min(runtime.GOMAXPROCS(0), 1+x.Len()/leastRows)
	parts := make([]pair, workers)
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		wg.Go(func() { parts[i] = x.scan(e.Vector, i*x.Len()/workers, (i+1)*x.Len()/workers) })
	}
	parts[0] = x.scan(e.Vector, 0, x.Len()/workers)
	wg.Wait()
	all := nobody()
	for _, p := range parts {
		all.offer(p.best)
		all.offer(p.second)
	}
	return Result{Best: x.match(all.best), Second: x.match(all.second)}, nil
}

func (x *Index) match(c candidate) Match {
	if c.owner < 0 {
		return Match{Distance: 2}
	}
	return Match{Name: x.names[c.owner], Distance: min(max(1-float64(c.cosine), 0), 2)}
}

func (x *Index) scan(query []float32, first, last int) pair {
	found, n := nobody(), x.model.Dimension
	for i := first; i < last; i++ {
		cosine := dot(query, x.rows[i*n:(i+1)*n])
		if cosine > found.second.cosine {
			found.offer(candidate{owner: x.owner[i], cosine: cosine})
		}
	}
	return found
}

// candidate is the best row of a name so far.
type candidate struct {
	owner  int32 // -1: none
	cosine float32
}

// pair is the two nearest names, which are not the same.
type pair struct{ best, second candidate }

func nobody() pair {
	none := candidate{owner: -1, cosine: float32(math.Inf(-1))}
	return pair{none, none}
}

func (p *pair) offer(c candidate) {
	switch {
	case c.owner < 0:
	case c.owner == p.best.owner:
		p.best.cosine = max(p.best.cosine, c.cosine)
	case c.cosine > p.best.cosine:
		p.best, p.second = c, p.best
	case c.cosine > p.second.cosine:
		p.second = c
	}
}
