package track

import (
	"time"

	"porchlight/internal/event"
)

// Config tunes a Tracker. The zero value of a field means its default. All
// times are of the frames, so the rate of looks does not matter.
type Config struct {
	Confident   float64            // score from which a detection may start a track; default 0.5
	ConfidentOf map[string]float64 // the same for labels that differ
	Low         float64            // score from which a detection may continue a track; default 0.2

	MinHits  int           // sightings before a track can prove true; default 3
	MaxGap   time.Duration // a moving track unseen for longer is lost; default 3 s
	MaxShift float64       // largest error of a prediction, in object sizes; default 2.5
	MaxTrack int           // tracks at once; default 200

	RestAfter       time.Duration // what has not moved for so long is stationary; default 10 s
	PersonRestAfter time.Duration // the same for people, who wait at doors; default 60 s
	ForgetAfter     time.Duration // a stationary object missing for so long is gone; default 10 s
	ForgetLooks     int           // and missing in so many looks; default 5
}

func (c Config) withDefaults() Config {
	number := func(v *float64, to float64) {
		if !(*v > 0) {
			*v = to
		}
	}
	count := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	span := func(v *time.Duration, to time.Duration) {
		if *v <= 0 {
			*v = to
		}
	}
	number(&c.Confident, 0.5)
	number(&c.Low, 0.2)
	count(&c.MinHits, 3)
	span(&c.MaxGap, 3*time.Second)
	number(&c.MaxShift, 2.5)
	count(&c.MaxTrack, 200)
	span(&c.RestAfter, 10*time.Second)
	span(&c.PersonRestAfter, time.Minute)
	span(&c.ForgetAfter, 10*time.Second)
	count(&c.ForgetLooks, 5)
	return c
}

// confident says whether a detection may start a track.
func (c Config) confident(d event.Detection) bool {
	if least, ok := c.ConfidentOf[d.Label]; ok && least > 0 {
		return d.Score >= least
	}
	return d.Score >= c.Confident
}

func (c Config) restAfter(label string) time.Duration {
	if label == "person" {
		return c.PersonRestAfter
	}
	return c.RestAfter
}
