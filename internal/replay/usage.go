package replay

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sampleEvery is how often the memory of the children is looked at.
const sampleEvery = 200 * time.Millisecond

// meter measures what this process and its children use.
type meter struct {
	began    time.Time
	cpu      time.Duration
	children int64 // bytes, the most so far
	stopped  chan struct{}
	sampling sync.WaitGroup
}

// usage between two moments.
type usage struct {
	cpu, wall time.Duration
	memory    int64 // bytes
}

func startMeter() *meter {
	m := &meter{began: time.Now(), cpu: cpuTime(), stopped: make(chan struct{})}
	m.sampling.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			m.children = max(m.children, childrenPeak())
			select {
			case <-m.stopped:
				return
			case <-tick.C:
			}
		}
	})
	return m
}

// stop returns the use since the start. The children must have ended, for that
// is when their processor time is known. Memory is the peak of this process
// over its life plus the most that the children alive at one time had at their
// peaks. The kernel's own figure for ended children is of no use: it
// also counts this process, whose memory a child shares until it becomes
// another program.
func (m *meter) stop() usage {
	close(m.stopped)
	m.sampling.Wait()
	return usage{cpu: cpuTime() - m.cpu, wall: time.Since(m.began), memory: ownPeak() + m.children}
}

// cpuTime is what this process and its ended children have used, user and system.
func cpuTime() (total time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var use syscall.Rusage
		if err := syscall.Getrusage(who, &use); err == nil {
			total += time.Duration(use.Utime.Nano() + use.Stime.Nano())
		}
	}
	return total
}

// ownPeak is the most memory this process has had, in bytes.
func ownPeak() int64 {
	if peak := peakOf("self"); peak > 0 {
		return peak
	}
	var use syscall.Rusage // where there is no /proc
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return use.Maxrss * 1024
}

// childrenPeak adds up the peaks of the children that are alive, in bytes.
func childrenPeak() (total int64) {
	own, _ := os.Readlink("/proc/self/exe")
	lists, _ := filepath.Glob("/proc/self/task/[0-9]*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(text)) {
			if exe, err := os.Readlink(filepath.Join("/proc", pid, "exe")); err == nil && exe != own {
				total += peakOf(pid)
			}
		}
	}
	return total
}

// peakOf reads VmHWM of proc_pid_status(5), in bytes; 0 when it is not there.
func peakOf(pid string) int64 {
	text, _ := os.ReadFile(filepath.Join("/proc", pid, "status"))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kb, _ := strconv.ParseInt(fields[1], 10, 64)
			return kb * 1024
		}
	}
	return 0
}
