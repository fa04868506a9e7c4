package match

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
	"unsafe"

	"porchlight/internal/face"
)

// BenchmarkNearest also measures, in the same run, how long it takes merely to
// read the same memory on as many processors, and reports the search as a
// multiple of that.
func BenchmarkNearest(b *testing.B) {
	for _, c := range []struct {
		name            string
		rows, dimension int
	}{{"1k x 128", 1000, 128}, {"100k x 512", 100_000, 512}, {"1M x 128", 1_000_000, 128}, {"1M x 512", 1_000_000, 512}} {
		b.Run(c.name, func(b *testing.B) {
			if testing.Short() && c.rows*c.dimension > 1<<26 {
				b.Skip("takes 2 GiB of memory")
			}
			x, q := filled(b, c.rows, c.dimension)
			floor, best := time.Hour, time.Hour
			for b.Loop() {
				b.StopTimer() // by turns, as others may use the memory for a while
				floor = min(floor, memoryFloor(x.rows))
				b.StartTimer()
				start := time.Now()
				if _, err := x.Nearest(q); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(best.Nanoseconds()), "best-ns")
			b.ReportMetric(float64(floor.Nanoseconds()), "floor-ns")
			b.ReportMetric(float64(best)/float64(floor), "x-floor")
			b.ReportMetric(float64(len(x.rows)*4)/float64(best.Nanoseconds()), "GB/s")
		})
	}
}

func filled(b *testing.B, rows, dimension int) (*Index, face.Embedding) {
	r := rand.New(rand.NewPCG(3, 4))
	m := model(dimension)
	x, err := New(m, rows)
	if err != nil {
		b.Fatal(err)
	}
	e := face.Embedding{Model: m, Vector: make([]float32, dimension)}
	for i := range rows {
		for j := range e.Vector {
			e.Vector[j] = r.Float32() - 0.5
		}
		if err := x.Add(strconv.Itoa(i), e); err != nil {
			b.Fatal(err)
		}
	}
	return x, random(b, r, m)
}

// memoryFloor is the shortest of four times in which the memory can be read
// once: by the standard library's vectorized search for a byte and by adding up
// words, on one processor and on all.
func memoryFloor(rows []float32) time.Duration {
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(rows))), len(rows)*4)
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(rows))), len(rows)/2)
	best := time.Hour
	for _, workers := range []int{1, runtime.GOMAXPROCS(0)} {
		best = min(best,
			inParallel(workers, len(data), func(i, j int) uint64 { return uint64(bytes.Count(data[i:j], []byte{7})) }),
			inParallel(workers, len(words), func(i, j int) uint64 { return addUp(words[i:j]) }))
	}
	return best
}

func inParallel(workers, n int, read func(i, j int) uint64) time.Duration {
	sums := make([]uint64, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { sums[w] = read(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
	took := time.Since(start)
	runtime.KeepAlive(sums)
	return took
}

func addUp(words []uint64) uint64 {
	var a, b, c, d uint64
	for ; len(words) >= 8; words = words[8:] {
		w := words[:8]
		a, b, c, d = a+w[0]+w[4], b+w[1]+w[5], c+w[2]+w[6], d+w[3]+w[7]
	}
	for _, w := range words {
		a += w
	}
	return a + b + c + d
}
