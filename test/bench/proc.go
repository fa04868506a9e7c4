package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage of processes: percent of one core and megabytes resident.
type usage struct{ cpu, rss float64 }

// findComponent finds the camera component below this process, and what it
// has started.
func findComponent() (pid int, children []int, err error) {
	found := childrenNamed("camera")
	if len(found) == 0 {
		return 0, nil, errors.New("the camera component is not running")
	}
	return found[0], childrenOf(found[0]), nil
}

// childrenNamed are the children of this process that run a program.
func childrenNamed(program string) []int {
	return slices.DeleteFunc(childrenOf(os.Getpid()), func(pid int) bool {
		name, _ := os.ReadFile(procFile(pid, "comm"))
		return strings.TrimSpace(string(name)) != program
	})
}

func childrenOf(parent int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		fields := statFields(file)
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				children = append(children, pid)
			}
		}
	}
	return children
}

func procFile(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }

// statFields returns the fields of proc_pid_stat(5) from the third, the state,
// on: the second may hold anything.
func statFields(file string) []string {
	raw, _ := os.ReadFile(file) // empty when the process has ended
	text := string(raw)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

// cpuOf adds up the user and system time of processes.
func cpuOf(pids ...int) (total time.Duration) {
	const tick = time.Second / 100 // USER_HZ, on every Linux that Go runs on
	for _, pid := range pids {
		if fields := statFields(procFile(pid, "stat")); len(fields) > 12 {
			for _, field := range fields[11:13] {
				ticks, _ := strconv.ParseInt(field, 10, 64)
				total += time.Duration(ticks) * tick
			}
		}
	}
	return total
}

// rssOf adds up the resident memory of processes, MB. What they share counts
// for each.
func rssOf(pids ...int) (total float64) {
	for _, pid := range pids {
		raw, _ := os.ReadFile(procFile(pid, "status"))
		for line := range strings.Lines(string(raw)) {
			if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, _ := strconv.ParseFloat(strings.Fields(size)[0], 64)
				total += kb / 1024
			}
		}
	}
	return total
}
