package weather

import (
	"fmt"
	"math/bits"
	"time"
)

// Effect of the weather; effects can be joined with |.
type Effect uint

// The effects.
const (
	Noise      Effect = 1 << iota // of the sensor: little by day, strong by night
	Rain                          // streaks, bright by night
	Infrared                      // the camera turns gray at dusk and colored at dawn
	Headlights                    // soft spots that sweep over the ground
	Drift                         // daylight fades and comes back, clouds pass
	Lightning                     // the whole picture flashes
	Jitter                        // the camera shakes by up to two pixels
	Leaves                        // a tree's crown sways
	Blocks                        // of a codec that spends few bits

	All = Noise | Rain | Infrared | Headlights | Drift | Lightning | Jitter | Leaves | Blocks
)

func (e Effect) String() string {
	names := [...]string{"noise", "rain", "infrared", "headlights", "drift", "lightning", "jitter", "leaves", "blocks"}
	if i := bits.TrailingZeros(uint(e)); bits.OnesCount(uint(e)) == 1 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("effects %b", uint(e))
}

// Length of the time line.
const Length = 12 * time.Hour

// Span of the time line, up to but not at To.
type Span struct{ From, To time.Duration }

// Dusk and Dawn are when night begins and ends: infrared switches and noise
// becomes strong and small again.
const (
	Dusk = 150 * time.Minute
	Dawn = 10 * time.Hour
)

// Spans are the times at which an effect is at work.
func (e Effect) Spans() []Span {
	minutes := func(from, to int) Span {
		return Span{time.Duration(from) * time.Minute, time.Duration(to) * time.Minute}
	}
	switch e {
	case Rain:
		return []Span{minutes(60, 90), minutes(300, 360)}
	case Headlights:
		return []Span{minutes(180, 570)}
	case Lightning:
		return []Span{minutes(300, 330)}
	case Jitter:
		return []Span{minutes(30, 45), minutes(300, 360), minutes(480, 490)}
	case Leaves:
		return []Span{minutes(30, 90), minutes(300, 360), minutes(480, 510)}
	case Infrared:
		return []Span{{Dusk, Dawn}}
	default:
		return []Span{{0, Length}}
	}
}

func (e Effect) at(at time.Duration) bool {
	at %= Length
	for _, s := range e.Spans() {
		if at >= s.From && at < s.To {
			return true
		}
	}
	return false
}

func isNight(at time.Duration) bool { return Infrared.at(at) }
