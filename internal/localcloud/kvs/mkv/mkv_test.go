package mkv_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/mkv"
)

type document struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment webm.Segment    `ebml:"Segment"`
}

// sample is a document of another library: one track, a cluster of known size.
func sample(t testing.TB) []byte {
	d := document{Header: webm.EBMLHeader{EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8, DocType: "matroska",
		DocTypeVersion: 2, DocTypeReadVersion: 2}}
	d.Segment.Info = webm.Info{TimecodeScale: 1_000_000, MuxingApp: "x", WritingApp: "x"}
	d.Segment.Tracks.TrackEntry = []webm.TrackEntry{{TrackNumber: 1, TrackUID: 7, TrackType: 1, CodecID: "V_MPEG4/ISO/AVC", CodecPrivate: []byte{1, 2},
		Video: &webm.Video{PixelWidth: 640, PixelHeight: 360}}}
	d.Segment.Cluster = []webm.Cluster{{Timecode: 1000, SimpleBlock: []ebml.Block{{TrackNumber: 1, Keyframe: true, Timecode: -5, Data: [][]byte{{1, 2, 3}}}},
		BlockGroup: []webm.BlockGroup{{Block: ebml.Block{TrackNumber: 1, Timecode: 40, Data: [][]byte{{4}}}, ReferenceBlock: -40}}}}
	var b bytes.Buffer
	require.NoError(t, ebml.Marshal(&d, &b))
	return b.Bytes()
}

type met struct {
	header *mkv.Header
	kinds  []mkv.Kind
	blocks []mkv.Block
	tags   []mkv.Tag
}

func readAll(in io.Reader) (m met, err error) {
	r := mkv.NewReader(in, 1<<16)
	for {
		e, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return m, err
		}
		m.kinds = append(m.kinds, e.Kind)
		switch e.Kind {
		case mkv.Tracks:
			m.header = e.Header
		case mkv.Tags:
			m.tags = append(m.tags, e.Tags...)
		case mkv.BlockRead:
			e.Block.Data = bytes.Clone(e.Block.Data)
			m.blocks = append(m.blocks, e.Block)
		}
	}
}

func TestReadsWhatAnotherLibraryWrote(t *testing.T) {
	t.Parallel()
	m, err := readAll(iotest.OneByteReader(bytes.NewReader(sample(t))))
	require.NoError(t, err)
	require.Equal(t, []mkv.Kind{mkv.Tracks, mkv.ClusterStart, mkv.BlockRead, mkv.BlockRead, mkv.ClusterEnd}, m.kinds)
	require.ElementsMatch(t, []mkv.Block{{Track: 1, Timecode: 995, Key: true, Data: []byte{1, 2, 3}}, {Track: 1, Timecode: 1040, Data: []byte{4}}}, m.blocks)
	track := m.header.Tracks[0]
	require.Equal(t, 640, track.Width)
	require.Equal(t, 360, track.Height)
	require.Equal(t, []byte{1, 2}, track.CodecPrivate)
}

func TestAnotherLibraryReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	m, err := readAll(bytes.NewReader(sample(t)))
	require.NoError(t, err)
	b := mkv.AppendHeader(nil, m.header.RawTracks)
	b = mkv.AppendTags(b, []mkv.Tag{{Name: "a", Value: "ä"}})
	b = mkv.AppendCluster(b, 1_700_000_000_000)
	data := bytes.Repeat([]byte{9}, 20_000)
	b = append(mkv.AppendBlockHeader(b, 300, -7, true, len(data)), data...)
	var d struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment webm.Segment    `ebml:"Segment,size=unknown"`
	}
	require.NoError(t, ebml.Unmarshal(bytes.NewReader(b), &d, ebml.WithIgnoreUnknown(true)))
	require.EqualValues(t, 1_700_000_000_000, d.Segment.Cluster[0].Timecode)
	block := d.Segment.Cluster[0].SimpleBlock[0]
	require.EqualValues(t, 300, block.TrackNumber)
	require.EqualValues(t, -7, block.Timecode)
	require.Equal(t, data, block.Data[0])
	again, err := readAll(bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, []mkv.Tag{{Name: "a", Value: "ä"}}, again.tags)
	require.Equal(t, m.header.Tracks, again.header.Tracks)
}

func TestTruncatedAnywhereIsAnError(t *testing.T) {
	t.Parallel()
	whole := sample(t)
	for n := 1; n < len(whole); n++ {
		_, err := readAll(bytes.NewReader(whole[:n]))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %d of %d bytes", n, len(whole))
	}
}

func TestHostileSizes(t *testing.T) {
	t.Parallel()
	head := mkv.AppendHeader(nil, []byte{0xAE, 0x86, 0xD7, 0x81, 1, 0x86, 0x81, 'V'})
	cluster := mkv.AppendCluster(head, 0)
	huge := []byte{0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}
	for name, b := range map[string][]byte{
		"block":          append(append(bytes.Clone(cluster), 0xA3), huge...),
		"tags":           append(append(bytes.Clone(head), 0x12, 0x54, 0xC3, 0x67), huge...),
		"unknown":        append(append(bytes.Clone(head), 0xBF), huge...),
		"block unknown":  append(append(bytes.Clone(cluster), 0xA3), 0xFF),
		"no id":          append(bytes.Clone(head), 0x00),
		"lacing":         append(bytes.Clone(cluster), 0xA3, 0x85, 0x81, 0, 0, 0x02, 1),
		"short block":    append(bytes.Clone(cluster), 0xA3, 0x82, 0x81, 0),
		"block too soon": append(append(bytes.Clone(head), 0x1F, 0x43, 0xB6, 0x75, 0xFF), 0xA3, 0x85, 0x81, 0, 0, 0, 1),
		"no tracks":      append(head[:40:40], 0x1F, 0x43, 0xB6, 0x75, 0xFF),
	} {
		_, err := readAll(bytes.NewReader(b))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, io.EOF, name)
	}
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scale, ticks, want int64 }{
		{1_000_000, 1_700_000_000_123, 1_700_000_000_123}, {10_000_000, 7, 70}, {100_000, 1_700_000_000_123_4, 1_700_000_000_123},
		{1, math.MaxInt64 / 2, math.MaxInt64 / 2 / 1_000_000}, {1_000_000, -5, -5},
	} {
		h := mkv.Header{TimecodeScale: uint64(c.scale)}
		require.InDelta(t, c.want, h.Milliseconds(c.ticks), 1, "%+v", c)
	}
}

// FuzzReader holds that the reader ends, with an error or not, keeps blocks within bounds and
// that its result does not depend on how the input is cut.
func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	head := mkv.AppendHeader(nil, []byte{0xAE, 0x86, 0xD7, 0x81, 1, 0x86, 0x81, 'V'})
	f.Add(append(mkv.AppendTags(bytes.Clone(head), []mkv.Tag{{Name: "a", Value: "b"}}), 0x1F, 0x43, 0xB6, 0x75, 0x84, 0xE7, 0x81, 1, 0xEC))
	f.Add(append(mkv.AppendCluster(bytes.Clone(head), 5), 0xA0, 0x8A, 0xA1, 0x85, 0x81, 0, 0, 0, 1, 0xFB, 0x81, 1, 0x12, 0x54, 0xC3, 0x67, 0x80))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := readAll(bytes.NewReader(in))
		for _, b := range m.blocks {
			if len(b.Data) > 1<<16 {
				t.Fatalf("a block of %d bytes", len(b.Data))
			}
		}
		again, errAgain := readAll(iotest.HalfReader(bytes.NewReader(in)))
		if len(m.kinds) != len(again.kinds) || (err == nil) != (errAgain == nil) {
			t.Fatalf("cut otherwise: %v %v, %v %v", m.kinds, err, again.kinds, errAgain)
		}
	})
}
