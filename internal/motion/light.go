package motion

import "math"

// light follows what changes everywhere at once: how bright the picture is,
// how much of the range it uses, and how much its sensor's noise is.
type light struct {
	shift    int32   // of the picture over the background, in units of level
	jump     int32   // how much shift changed with this frame
	slow     float64 // shift, a few seconds behind
	noise    int32   // of a cell in this frame, one standard deviation, in units of level
	contrast float64 // averaged distance between the 4th and 96th percentile, in gray levels

	differences [256]int32 // how many cells differ by -128..127 levels
	levels      [256]int32 // how many cells are that bright
	steps       [256]int32 // how many differ from the next by so many eighths of a level
	total       int32
	span        float64 // contrast of this frame
}

const (
	// shiftReach is how far a cell may lie from the common shift to be part of
	// the crowd that sets it, in gray levels, at least.
	shiftReach = 4
	// shiftLoyalty is how much larger the crowd around another shift must be
	// for it to be believed, so that a person who fills the picture is not
	// taken for light.
	shiftLoyalty = 1.3
	shiftSteps   = 3

	contrastSeconds = 10.0 // of averaging, as 50 frames at 5 a second
	slowSeconds     = 2.0  // that a tone curve takes to follow a change of exposure

	stretchMost   = 2.0 // more would make threads of fog into motion
	shiftDoubt    = 0.3 // part of a recent change of light by which cells may differ in following it
	noiseFloor    = level / 2
	stepDeviation = 1.0484 // of a normal distribution, over the median absolute difference of two
)

func newLight() light { return light{contrast: -1} }

// measure compares a grid with the background at the probes.
func (l *light) measure(luma, background []int32, probes []int32) {
	l.differences, l.levels, l.steps, l.total = [256]int32{}, [256]int32{}, [256]int32{}, int32(len(probes))
	last := int32(0)
	for _, p := range probes {
		v := luma[p]
		l.levels[uint8(v>>levelBits)]++
		d := v - background[p]>>fineBits
		l.differences[uint8(max(-128, min(127, d>>levelBits))+128)]++
		l.steps[uint8(min(255, abs(d-last)>>(levelBits-3)))]++
		last = d
	}
	before := l.shift
	l.follow()
	l.jump = l.shift - before
	l.measureNoise()
	l.span = float64(l.percentile(96) - l.percentile(4))
	if l.contrast < 0 {
		l.contrast = l.span
	}
}

// follow finds the shift that most cells share.
func (l *light) follow() {
	reach := max(shiftReach, int(2*l.noise/level))
	crowd := func(center int) (n int32) {
		for i := max(0, center-reach); i <= min(255, center+reach); i++ {
			n += l.differences[i]
		}
		return n
	}
	loyal := max(0, min(255, int(l.shift>>levelBits)+128))
	best, most := loyal, int32(float64(crowd(loyal))*shiftLoyalty)
	if most < l.total {
		for center := reach; center < 256-reach; center++ {
			if n := crowd(center); n > most {
				best, most = center, n
			}
		}
	}
	// A few steps of mean shift find the middle of the crowd.
	for range shiftSteps {
		l.shift = l.mean(best-reach, best+reach)
		best = int(l.shift>>levelBits) + 128
	}
}

// mean difference of the cells between two bins, in units of level.
func (l *light) mean(from, to int) int32 {
	sum, n := int64(0), int64(0)
	for i := max(0, from); i <= min(255, to); i++ {
		sum += int64(l.differences[i]) * int64((i-128)*level+level/2)
		n += int64(l.differences[i])
	}
	if n == 0 {
		return l.shift
	}
	return int32(sum / n)
}

// measureNoise takes the median step of the difference from one probe to the
// next. Light that differs from place to place does not change it, nor does
// what moves as long as it is less than half of the picture.
func (l *light) measureNoise() {
	seen, half := int32(0), l.total/2
	for i, n := range l.steps {
		seen += n
		if seen > half {
			// Within the bin the cells are taken to lie evenly.
			part := 1 - float64(seen-half)/float64(max(1, n))
			l.noise = max(noiseFloor, int32((float64(i)+part)/8*stepDeviation*level))
			return
		}
	}
	l.noise = noiseFloor
}

func (l *light) percentile(percent int32) int {
	seen := int32(0)
	for i, n := range l.levels {
		if seen += n; seen*100 >= l.total*percent {
			return i
		}
	}
	return 255
}

// threshold stretches the contrast: rather than each cell, which would make
// the background of an hour ago incomparable, the threshold is scaled.
func (l *light) threshold(levels int) int32 {
	stretch := min(stretchMost, max(1, 200/max(1, l.contrast)))
	return int32(float64(levels*level) / stretch)
}

// doubt is what is added to every threshold while the light changes.
func (l *light) doubt() int32 {
	return int32(shiftDoubt * math.Abs(float64(l.shift)-l.slow))
}

// settle ends a frame of a trusted background.
func (l *light) settle(dt float64, m *model) {
	l.contrast += (l.span - l.contrast) * (1 - math.Exp(-dt/contrastSeconds))
	l.slow += (float64(l.shift) - l.slow) * (1 - math.Exp(-dt/slowSeconds))
	if l.shift > 8*level || l.shift < -8*level {
		m.brighten(l.shift)
		l.slow -= float64(l.shift)
		l.shift = 0
	}
}

// restart is for a background that was learnt anew from the frame measured last.
func (l *light) restart() { l.shift, l.jump, l.slow, l.contrast = 0, 0, 0, l.span }
