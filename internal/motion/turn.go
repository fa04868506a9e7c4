package motion

// turn tells a camera that was turned or knocked from objects in front of it:
// then the background's edges are all found again, some cells aside.
type turn struct{ cells []int32 }

const (
	turnCells  = 200 // edges that are looked for
	turnAcross = 16  // cells aside at most
	turnDown   = 8
	turnBetter = 0.1 // more edges must be found aside than in place
	turnLeast  = 0.7 // of them
	turnLost   = 0.12
	turnParts  = 4 // of the picture, across and down
)

// turned reports whether a grid is the background moved aside.
func (t *turn) turned(m *model, luma []int32, l *light) bool {
	if m.edges < fewEdges || float64(m.edgesLost) < turnLost*float64(m.edges) {
		return false
	}
	t.choose(m)
	if !t.everywhere(m) {
		return false
	}
	inPlace := t.found(m, luma, l, 0, 0)
	best, bestX, bestY := inPlace, 0, 0
	try := func(dx, dy int) {
		if f := t.found(m, luma, l, dx, dy); f > best {
			best, bestX, bestY = f, dx, dy
		}
	}
	for dy := -turnDown; dy <= turnDown; dy += 2 {
		for dx := -turnAcross; dx <= turnAcross; dx += 2 {
			try(dx, dy)
		}
	}
	nearX, nearY := bestX, bestY
	for dy := nearY - 1; dy <= nearY+1; dy++ {
		for dx := nearX - 1; dx <= nearX+1; dx++ {
			try(dx, dy)
		}
	}
	return best >= turnLeast && best >= inPlace+turnBetter
}

// choose takes edges from all over the background.
func (t *turn) choose(m *model) {
	t.cells = t.cells[:0]
	every, seen := max(1, m.edges/turnCells), 0
	for i, edge := range m.edge {
		if !edge {
			continue
		}
		if seen%every == 0 {
			t.cells = append(t.cells, int32(i))
		}
		seen++
	}
}

// everywhere: edges are lost in most parts of the picture that have some.
func (t *turn) everywhere(m *model) bool {
	var all, lost [turnParts * turnParts]int
	for _, i := range t.cells {
		part := int(i)/m.cols*turnParts/m.rows*turnParts + int(i)%m.cols*turnParts/m.cols
		all[part]++
		if m.state[i] >= weak {
			lost[part]++
		}
	}
	parts, hit := 0, 0
	for i, n := range all {
		if n < 4 {
			continue
		}
		parts++
		if lost[i]*10 > n {
			hit++
		}
	}
	return parts >= turnParts && hit*10 >= parts*6
}

// found is the part of the edges that a grid shows some cells aside.
func (t *turn) found(m *model, luma []int32, l *light, dx, dy int) float64 {
	hits, all := 0, 0
	for _, i := range t.cells {
		x, y := int(i)%m.cols+dx, int(i)/m.cols+dy
		if x < 0 || y < 0 || x >= m.cols || y >= m.rows {
			continue
		}
		all++
		if abs(luma[y*m.cols+x]-l.shift-m.background[i]>>fineBits) <= m.tolerance[i]/2 {
			hits++
		}
	}
	if all*2 < len(t.cells) {
		return 0
	}
	return float64(hits) / float64(all)
}
