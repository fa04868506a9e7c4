// Package assign solves the linear assignment problem on the small cost
// matrices of a tracker: which of these belongs to which of those.
package assign

import "math"

// Solve pairs rows with columns so that as little as possible is paid: each
// row and each column at most once, at cost[row][column], and free for each
// row that stays alone. So no pair dearer than free is made. A cost that is
// infinite or not a number forbids its pair. The result holds for each row
// its column, or -1.
//
// It is the Hungarian method in its shortest augmenting path form, O(rows² ×
// (rows + columns)): H. W. Kuhn, "The Hungarian Method for the Assignment
// Problem", 1955; R. Jonker and A. Volgenant, Computing 38, 1987. A row may
// stay alone because each has a column of its own that costs free.
func Solve(cost [][]float64, free float64) []int {
	rows := len(cost)
	if rows == 0 {
		return nil
	}
	columns := len(cost[0])
	s := solver{cost: cost, free: free, columns: columns}
	all := columns + rows
	s.rowPrice, s.columnPrice = make([]float64, rows), make([]float64, all)
	s.rowOf = make([]int, all)
	for j := range s.rowOf {
		s.rowOf[j] = -1
	}
	s.least, s.from, s.done = make([]float64, all), make([]int, all), make([]bool, all)
	for i := range rows {
		s.augment(i)
	}
	out := make([]int, rows)
	for j, i := range s.rowOf {
		switch {
		case i >= 0 && j < columns:
			out[i] = j
		case i >= 0:
			out[i] = -1
		}
	}
	return out
}

// solver holds the dual prices and the matching so far. No reduced cost,
// at(i,j) - rowPrice[i] - columnPrice[j], is negative, and those of matched
// pairs are zero.
type solver struct {
	cost                  [][]float64
	free                  float64
	columns               int
	rowPrice, columnPrice []float64
	rowOf                 []int // row matched to each column, -1: none

	// of one augmentation
	least []float64 // shortest path found to each column
	from  []int     // the column before it on that path, -1: the new row itself
	done  []bool
}

func (s *solver) at(i, j int) float64 {
	if j >= s.columns {
		if j-s.columns == i {
			return s.free
		}
		return math.Inf(1)
	}
	if c := s.cost[i][j]; !math.IsNaN(c) {
		return c
	}
	return math.Inf(1)
}

// augment matches one more row, along the shortest path of reduced costs to
// a column that is not matched. There always is one: the row's own.
func (s *solver) augment(row int) {
	for j := range s.least {
		s.least[j], s.from[j], s.done[j] = math.Inf(1), -1, false
	}
	i, last, paid := row, -1, 0.0
	for {
		next := -1
		for j := range s.least {
			if s.done[j] {
				continue
			}
			if c := paid + s.at(i, j) - s.rowPrice[i] - s.columnPrice[j]; c < s.least[j] {
				s.least[j], s.from[j] = c, last
			}
			if next < 0 || s.least[j] < s.least[next] {
				next = j
			}
		}
		paid, last = s.least[next], next
		s.done[next] = true
		if s.rowOf[next] < 0 {
			break
		}
		i = s.rowOf[next]
	}
	s.reprice(row, paid)
	for last >= 0 {
		before := s.from[last]
		if before < 0 {
			s.rowOf[last] = row
		} else {
			s.rowOf[last] = s.rowOf[before]
		}
		last = before
	}
}

func (s *solver) reprice(row int, paid float64) {
	s.rowPrice[row] += paid
	for j, done := range s.done {
		if !done {
			continue
		}
		if i := s.rowOf[j]; i >= 0 {
			s.rowPrice[i] += paid - s.least[j]
		}
		s.columnPrice[j] -= paid - s.least[j]
	}
}
