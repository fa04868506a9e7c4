package segment

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTornTail cuts a file at every byte: what is left is every fragment that
// was whole.
func TestTornTail(t *testing.T) {
	all := gops(t, packets(t, 40))
	path, index := record(t, all, 2)
	data := read(t, path)
	require.Len(t, index.GOPs, 4)
	header, err := scanHeader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	ends := []int64{header.Size}
	for _, g := range index.GOPs {
		parts, err := index.parts(f, g)
		require.NoError(t, err)
		require.Len(t, parts, 2)
		for _, p := range parts {
			ends = append(ends, p.offset+p.size)
		}
	}
	torn := filepath.Join(t.TempDir(), "torn")
	for n := range data {
		got, err := Scan(bytes.NewReader(data[:n]), int64(n))
		if int64(n) < header.Size {
			require.ErrorIs(t, err, ErrDamaged, "%d", n)
			continue
		}
		require.NoError(t, err, "%d", n)
		last := ends[0]
		for _, e := range ends {
			if e <= int64(n) {
				last = e
			}
		}
		require.Equal(t, last, got.Size, "%d", n)
		if n%29 != 0 && !slices.Contains(ends, int64(n)) {
			continue // the disk is slower
		}
		require.NoError(t, os.WriteFile(torn, data[:n], 0o600))
		repaired, err := Repair(torn)
		if last == header.Size {
			require.ErrorIs(t, err, ErrDamaged)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, got.GOPs, repaired.GOPs)
		require.Equal(t, data[:last], read(t, torn))
	}
}

// TestLostPages: a power cut may leave nothing but zeros of what was not on
// disk yet.
func TestLostPages(t *testing.T) {
	all := gops(t, packets(t, 40))
	path, index := record(t, all, 1)
	data := read(t, path)
	video, _, err := index.Samples(bytes.NewReader(data), index.GOPs[3])
	require.NoError(t, err)
	for _, from := range []int64{index.GOPs[1].Offset, index.GOPs[3].Offset, video[len(video)-1].Offset} {
		torn := filepath.Join(t.TempDir(), "torn")
		zeroed := slices.Clone(data)
		clear(zeroed[from:])
		require.NoError(t, os.WriteFile(torn, append(zeroed, make([]byte, 4096)...), 0o600))
		repaired, err := Repair(torn)
		require.NoError(t, err)
		for _, g := range repaired.GOPs {
			require.LessOrEqual(t, g.Offset+g.Size, from)
		}
		require.Equal(t, data[:repaired.Size], read(t, torn))
		require.NotEmpty(t, repaired.GOPs)
	}
	_, err = Repair(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzScan(f *testing.F) {
	all := gops(f, packets(f, 25))
	for _, fragments := range []int{1, 3} {
		path, _ := record(f, all, fragments)
		data := read(f, path)
		f.Add(data)
		f.Add(data[:len(data)-9])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		index, err := Scan(r, int64(len(data)))
		if err != nil {
			require.ErrorIs(t, err, ErrDamaged)
			return
		}
		require.LessOrEqual(t, index.Size, int64(len(data)))
		again, err := Scan(r, index.Size)
		require.NoError(t, err)
		require.Equal(t, index.GOPs, again.GOPs)
		for _, g := range index.GOPs {
			if _, _, err := index.Samples(r, g); err != nil {
				require.ErrorIs(t, err, ErrDamaged)
			}
			got, err := index.Read(r, g)
			if err != nil {
				require.ErrorIs(t, err, ErrDamaged)
				continue
			}
			samples, _ := got.Samples(0)
			require.NotEmpty(t, samples)
		}
		for _, g := range index.GOPs {
			if _, err := index.broken(r, g); err != nil {
				require.ErrorIs(t, err, ErrDamaged)
			}
		}
	})
}
