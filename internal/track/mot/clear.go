package mot

import (
	"math"

	"porchlight/internal/track/assign"
)

// Clear are the CLEAR MOT metrics: K. Bernardin and R. Stiefelhagen,
// "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics",
// EURASIP Journal on Image and Video Processing, 2008.
type Clear struct {
	MOTA float64 // 1 - (misses + false positives + switches) / boxes of the truth; at most 1, and may be negative
	MOTP float64 // mean overlap, 0..1, of the boxes that match

	Truth          int // boxes of the truth
	Matches        int
	Misses         int
	FalsePositives int
	Switches       int // matches of an object with another id than the last it matched
}

// clear matches frame by frame. What matched in the frame before and still
// overlaps enough stays matched; of the rest, as many as can be are matched,
// and of all ways to do so the one with the largest overlap.
func (s *sequence) clear(minIoU float64) Clear {
	out := Clear{Truth: s.boxes[0]}
	last, before := filled(s.truth, -1), filled(s.truth, -1)
	overlap := 0.0
	for _, f := range s.frames {
		now := filled(s.truth, -1)
		for a, b := range f.match(before, minIoU) {
			if b < 0 {
				continue
			}
			truth, found := f.truth[a], f.found[b]
			if last[truth] >= 0 && last[truth] != found {
				out.Switches++
			}
			last[truth], now[truth] = found, found
			out.Matches++
			overlap += f.iou[a][b]
		}
		before = now
	}
	out.Misses, out.FalsePositives = s.boxes[0]-out.Matches, s.boxes[1]-out.Matches
	out.MOTP = part(overlap, float64(out.Matches))
	out.MOTA = 1 - part(float64(out.Misses+out.FalsePositives+out.Switches), float64(max(1, out.Truth)))
	return out
}

// match returns for each truth of a frame the place of what it matches, or -1.
func (f indexed) match(before []int, minIoU float64) []int {
	const lonely = 1e3 // so dear that all match that can
	costs := make([][]float64, len(f.truth))
	for a, truth := range f.truth {
		costs[a] = make([]float64, len(f.found))
		for b := range f.found {
			costs[a][b] = math.Inf(1)
			if f.iou[a][b] >= minIoU {
				costs[a][b] = 1 - f.iou[a][b]
			}
		}
		for b, found := range f.found {
			if before[truth] == found && f.iou[a][b] >= minIoU {
				for other := range costs[a] {
					costs[a][other] = math.Inf(1)
				}
				costs[a][b] = -lonely * float64(len(f.truth)+1)
			}
		}
	}
	return solve(costs, lonely)
}

// solve is assign.Solve for costs that may be negative.
func solve(costs [][]float64, free float64) []int {
	least := 0.0
	for _, row := range costs {
		for _, c := range row {
			least = math.Min(least, c)
		}
	}
	for _, row := range costs {
		for j := range row {
			row[j] -= least
		}
	}
	return assign.Solve(costs, free-least)
}

func filled(n, v int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = v
	}
	return out
}
