package motion

// run is a stretch of changed cells in one row, from x0 up to x1.
type run struct{ y, x0, x1 int32 }

// scan lists the runs from the top.
func (f *finder) scan(state []uint8) {
	f.runs = f.runs[:0]
	for y := range f.rows {
		f.rowFrom[y] = int32(len(f.runs))
		row := state[y*f.cols : (y+1)*f.cols]
		for x := 0; x < len(row); x++ {
			if row[x] < weak {
				continue
			}
			from := x
			for x < len(row) && row[x] >= weak {
				x++
			}
			f.runs = append(f.runs, run{int32(y), int32(from), int32(x)})
		}
	}
	f.rowFrom[f.rows] = int32(len(f.runs))
}

// join links runs that lie within reach of each other, in a row or above one
// another: as dilating by one cell would.
func (f *finder) join() {
	for i := range f.runs {
		f.parent[i] = int32(i)
	}
	for y := range f.rows {
		for up := 0; up <= min(reach, y); up++ {
			f.joinRows(f.rowFrom[y-up], f.rowFrom[y-up+1], f.rowFrom[y], f.rowFrom[y+1])
		}
	}
}

// joinRows links the runs i of one row with the runs j of another, both
// sorted from left to right.
func (f *finder) joinRows(i, iEnd, j, jEnd int32) {
	for from := i; j < jEnd; j++ {
		r := f.runs[j]
		for from < iEnd && f.runs[from].x1+reach <= r.x0 {
			from++
		}
		for k := from; k < iEnd && f.runs[k].x0 < r.x1+reach; k++ {
			f.parent[f.root(k)] = f.root(j)
		}
	}
}

func (f *finder) root(i int32) int32 {
	for f.parent[i] != i {
		f.parent[i] = f.parent[f.parent[i]]
		i = f.parent[i]
	}
	return i
}
