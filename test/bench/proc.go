package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage of processes: percent of one core, megabytes resident, where what is
// shared counts for each, and proportional, where it counts once in all.
type usage struct{ cpu, rss, pss float64 }

func (u usage) plus(v usage) usage { return usage{u.cpu + v.cpu, u.rss + v.rss, u.pss + v.pss} }

func (u usage) times(f float64) usage { return usage{u.cpu * f, u.rss * f, u.pss * f} }

func (u usage) String() string {
	return fmt.Sprintf("%.1f %% of a core, %.0f MB RSS, %.0f MB PSS", u.cpu, u.rss, u.pss)
}

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

// memoryOf adds up the memory of processes.
func memoryOf(pids ...int) (total usage) {
	for _, pid := range pids {
		raw, _ := os.ReadFile(procFile(pid, "smaps_rollup"))
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			kb, _ := strconv.ParseFloat(fields[1], 64)
			switch fields[0] {
			case "Rss:":
				total.rss += kb / 1024
			case "Pss:":
				total.pss += kb / 1024
			}
		}
	}
	return total
}
