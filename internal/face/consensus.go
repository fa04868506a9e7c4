package face

import "cmp"

// Vote is what recognition says of one crop of a track.
type Vote struct {
	Name     string  // empty when it is nobody known
	Distance float64 // to that person, 0 for the same picture; the smaller the surer
	Quality  float64 // of the crop, 0..1
}

// ConsensusConfig says when votes make a name. Zero values mean the defaults,
// which fit cosine distances of face embeddings.
type ConsensusConfig struct {
	MaxDistance float64 // a name further away counts as nobody known; 0.55
	MinVotes    int     // for the name; 2
	MinWeight   float64 // of the votes for the name together; 0.7
	MinShare    float64 // of the weight of all votes, nobody's too; 0.65
	MinLead     float64 // over the runner-up, as a share of all weight; 0.3
	MaxTries    int     // of a track; 12
	NamedTries  int     // of a track once it has a name; 6
}

func (c ConsensusConfig) withDefaults() ConsensusConfig {
	c.MaxDistance = cmp.Or(c.MaxDistance, 0.55)
	c.MinVotes = cmp.Or(c.MinVotes, 2)
	c.MinWeight = cmp.Or(c.MinWeight, 0.7)
	c.MinShare = cmp.Or(c.MinShare, 0.65)
	c.MinLead = cmp.Or(c.MinLead, 0.3)
	c.MaxTries = cmp.Or(c.MaxTries, 12)
	c.NamedTries = cmp.Or(c.NamedTries, 6)
	return c
}

// Consensus decides, over the life of a track, whose face it is. One crop is
// never enough, and what later crops say can take a name away again. It is not
// safe for concurrent use.
type Consensus struct {
	cfg   ConsensusConfig
	tries int
	votes []Vote
}

// NewConsensus returns the consensus of a new track.
func NewConsensus(cfg ConsensusConfig) *Consensus { return &Consensus{cfg: cfg.withDefaults()} }

// Try asks for leave to have one more crop recognized, and counts it when it
// is given: MaxTries for a track, NamedTries once it has a name, so that a
// person who stays does not cost for ever.
func (c *Consensus) Try() bool {
	limit := c.cfg.MaxTries
	if _, _, named := c.Name(); named {
		limit = min(limit, c.cfg.NamedTries)
	}
	if c.tries >= limit {
		return false
	}
	c.tries++
	return true
}

// Add counts a vote. Its weight is
//
//	Quality * (1 - Distance / MaxDistance / 2)
//
// for a name, from the whole quality for the same picture to half of it at the
// limit, and half the quality for nobody known. Votes past MaxTries are
// answers nobody asked for and are not counted.
func (c *Consensus) Add(v Vote) {
	if len(c.votes) >= c.cfg.MaxTries || !(v.Quality > 0) {
		return
	}
	v.Quality = min(v.Quality, 1)
	if !(v.Distance >= 0 && v.Distance <= c.cfg.MaxDistance) {
		v.Name = ""
	}
	c.votes = append(c.votes, v)
}

// Name returns whose face it is and the share of the weight that says so, 0..1.
// It is not ok as long as the votes are too few, too light or too divided.
func (c *Consensus) Name() (name string, share float64, ok bool) {
	weights, counts, total := map[string]float64{}, map[string]int{}, 0.0
	for _, v := range c.votes {
		w := v.Quality / 2
		if v.Name != "" {
			w = v.Quality * (1 - v.Distance/c.cfg.MaxDistance/2)
		}
		weights[v.Name] += w
		counts[v.Name]++
		total += w
	}
	var second float64
	for candidate, w := range weights {
		switch {
		case candidate == "":
		case w > weights[name] || name == "" || w == weights[name] && candidate < name:
			if name != "" {
				second = max(second, weights[name])
			}
			name = candidate
		default:
			second = max(second, w)
		}
	}
	if name == "" {
		return "", 0, false
	}
	best := weights[name]
	second = max(second, weights[""])
	if counts[name] < c.cfg.MinVotes || best < c.cfg.MinWeight || best < c.cfg.MinShare*total || best-second < c.cfg.MinLead*total {
		return "", 0, false
	}
	return name, best / total, true
}
