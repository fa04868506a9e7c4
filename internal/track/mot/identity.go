package mot

// Identity are the identity metrics: E. Ristani et al., "Performance Measures
// and a Data Set for Multi-Target, Multi-Camera Tracking", ECCV Workshops 2016.
// Each object is given one id for the whole sequence, in the way that leaves
// the fewest boxes wrong.
type Identity struct {
	IDF1      float64 // 2 IDTP / (boxes of the truth + boxes found), 0..1
	Precision float64 // IDTP / boxes found
	Recall    float64 // IDTP / boxes of the truth
	IDTP      int     // boxes of objects that have their id
}

func (s *sequence) identity(minIoU float64) Identity {
	costs := make([][]float64, s.truth)
	for a := range costs {
		costs[a] = make([]float64, s.found)
	}
	for _, f := range s.frames {
		for a, truth := range f.truth {
			for b, found := range f.found {
				if f.iou[a][b] >= minIoU {
					costs[truth][found]-- // one box more that is right
				}
			}
		}
	}
	shared := make([][]float64, s.truth)
	for a := range costs {
		shared[a] = append([]float64(nil), costs[a]...)
	}
	out := Identity{}
	for a, b := range solve(costs, 0) {
		if b >= 0 {
			out.IDTP -= int(shared[a][b])
		}
	}
	right := float64(out.IDTP)
	out.Precision, out.Recall = part(right, float64(s.boxes[1])), part(right, float64(s.boxes[0]))
	out.IDF1 = part(2*right, float64(s.boxes[0]+s.boxes[1]))
	return out
}
