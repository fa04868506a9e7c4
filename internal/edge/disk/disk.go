// Package disk says how much room is left.
package disk

import (
	"fmt"
	"syscall"
)

// Free returns how many bytes may still be written below dir, which exists.
func Free(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // Bsize is not an int64 on every architecture
}
