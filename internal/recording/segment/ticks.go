package segment

import (
	"time"

	"porchlight/internal/media"
)

// videoTicks is when a sample is shown, in ticks of 90 kHz since 1970. The
// milliseconds are those of At; below them the camera's own clock counts, so
// that 30 frames a second are 3000 ticks apart.
func videoTicks(s media.Sample) int64 {
	return s.At*ticksPerMilli + below(s.PTS)*ticksPerMilli/int64(time.Millisecond)
}

// audioTicks is when a sample is heard, in ticks of rate a second since
// origin, milliseconds since 1970. Read back it is the same millisecond.
func audioTicks(s media.Sample, origin, rate int64) int64 {
	ms := s.At - origin
	ns := below(s.PTS)
	ticks := ceil(ms*int64(time.Millisecond)/1000*rate+ns*rate/1000, int64(time.Millisecond))
	return min(ticks, ceil((ms+1)*rate, 1000)-1)
}

// below is the part of d below the millisecond, in nanoseconds.
func below(d time.Duration) int64 {
	rest := int64(d % time.Millisecond)
	if rest < 0 {
		rest += int64(time.Millisecond)
	}
	return rest
}

// ceil divides and rounds up; a is not negative.
func ceil(a, b int64) int64 { return (a + b - 1) / b }

// ntpEpoch is 1970 in seconds since 1900 (RFC 5905, 6).
const ntpEpoch = 2_208_988_800

// toNTP turns ticks since 1970 into an NTP timestamp, from which fromNTP gets
// them back exactly. It wraps in 2036 as NTP does.
func toNTP(ticks int64) uint64 {
	seconds, rest := ticks/media.H264ClockRate, uint64(ticks%media.H264ClockRate)
	return uint64(uint32(seconds+ntpEpoch))<<32 | (rest<<32+media.H264ClockRate/2)/media.H264ClockRate
}

func fromNTP(t uint64) int64 {
	seconds := int64(t >> 32)
	if seconds < ntpEpoch { // the next era
		seconds += 1 << 32
	}
	return (seconds-ntpEpoch)*media.H264ClockRate + int64((t&(1<<32-1)*media.H264ClockRate+1<<31)>>32)
}

// wall is a time in ticks since 1970.
func wall(ticks int64) time.Time {
	return time.Unix(0, 0).Add(media.Ticks(ticks, media.H264ClockRate)).UTC()
}
