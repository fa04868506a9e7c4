package mot

import "math"

// Higher is HOTA: J. Luiten et al., "HOTA: A Higher Order Metric for Evaluating
// Multi-Object Tracking", International Journal of Computer Vision 129, 2021.
// All are means over the overlaps 0.05, 0.10 ... 0.95 from which boxes count
// as the same.
type Higher struct {
	HOTA float64 // geometric mean, at each overlap, of the next two; 0..1
	DetA float64 // how well it detects: matches / (matches + misses + false positives)
	AssA float64 // how well it associates: mean over the matches of the same measure for the two ids
	LocA float64 // how well it locates: mean overlap of the matches
}

const alphas = 19

func (s *sequence) higher() Higher {
	alignment := s.alignment()
	var hits [alphas]float64
	var overlap [alphas]float64
	var pairs [alphas]map[[2]int]float64 // frames in which two ids match
	for i := range pairs {
		pairs[i] = map[[2]int]float64{}
	}
	for _, f := range s.frames {
		// The best matching is the one that fits the ids of the whole sequence.
		costs := make([][]float64, len(f.truth))
		for a, truth := range f.truth {
			costs[a] = make([]float64, len(f.found))
			for b, found := range f.found {
				costs[a][b] = 1 - alignment[truth][found]*f.iou[a][b]
			}
		}
		for a, b := range solve(costs, 1) {
			if b < 0 {
				continue
			}
			for i := range alphas {
				if f.iou[a][b] >= alpha(i)-1e-12 {
					hits[i]++
					overlap[i] += f.iou[a][b]
					pairs[i][[2]int{f.truth[a], f.found[b]}]++
				}
			}
		}
	}
	out := Higher{}
	for i := range alphas {
		association := 0.0
		for ids, n := range pairs[i] {
			association += n * n / (float64(s.inTruth[ids[0]]+s.inFound[ids[1]]) - n)
		}
		detA := part(hits[i], float64(s.boxes[0]+s.boxes[1])-hits[i])
		assA := part(association, hits[i])
		located := 1.0
		if hits[i] > 0 {
			located = overlap[i] / hits[i]
		}
		out.DetA += detA / alphas
		out.AssA += assA / alphas
		out.LocA += located / alphas
		out.HOTA += math.Sqrt(detA*assA) / alphas
	}
	return out
}

func alpha(i int) float64 { return 0.05 * float64(i+1) }

// alignment says how well each id found fits each of the truth over the whole
// sequence: the Jaccard index of their boxes, where what overlaps with several
// counts in part.
func (s *sequence) alignment() [][]float64 {
	shared := make([][]float64, s.truth)
	for a := range shared {
		shared[a] = make([]float64, s.found)
	}
	for _, f := range s.frames {
		rows, columns := make([]float64, len(f.truth)), make([]float64, len(f.found))
		for a := range f.truth {
			for b := range f.found {
				rows[a] += f.iou[a][b]
				columns[b] += f.iou[a][b]
			}
		}
		for a, truth := range f.truth {
			for b, found := range f.found {
				shared[truth][found] += part(f.iou[a][b], rows[a]+columns[b]-f.iou[a][b])
			}
		}
	}
	for a := range shared {
		for b := range shared[a] {
			shared[a][b] = part(shared[a][b], float64(s.inTruth[a]+s.inFound[b])-shared[a][b])
		}
	}
	return shared
}
