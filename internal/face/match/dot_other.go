//go:build !amd64

package match

// dot is the inner product, in eight sums that do not wait for each other:
// where Gonum has no assembly it has only one.
func dot(a, b []float32) float32 {
	var s [8]float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := a[:8], b[:8]
		for i := range s {
			s[i] += x[i] * y[i]
		}
		a, b = a[8:], b[8:]
	}
	sum := s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
