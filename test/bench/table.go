package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table. Verdict is empty where there is no budget.
type row struct{ what, measured, budget, ratio, verdict string }

// table is what is printed at the end.
type table struct {
	title []string
	rows  []row
}

// head notes what the numbers depend on.
func (t *table) head(b *bench) {
	load := "unknown"
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(raw))[:3], " ")
	}
	t.title = append(t.title,
		fmt.Sprintf("%d cores %s/%s, %s, load before %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load),
		"footage "+b.footage.about)
}

func (t *table) print(w io.Writer) error {
	for _, line := range t.title {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tmeasured\tbudget\tratio\t")
	for _, r := range t.rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.budget, r.ratio, r.verdict)
	}
	return tw.Flush()
}

// verdict holds a value against the most (or, with least, the least) it may be.
func verdict[T cmp.Ordered](value, limit T) string {
	if value <= limit {
		return "ok"
	}
	return "OVER"
}

func atLeast[T cmp.Ordered](value, limit T) string {
	if value >= limit {
		return "ok"
	}
	return "UNDER"
}

// percentile of values, by the nearest rank; 0 of none.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(p*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000) }
