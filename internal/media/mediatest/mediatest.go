// Package mediatest makes encoded video for tests with ffmpeg, and has others'
// software look at what Porchlight writes.
package mediatest

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
)

// Scene is ffmpeg's arguments for a moving test picture, and for a tone if
// sound is true.
func Scene(size, fps, seconds string, sound bool) []string {
	args := []string{"-f", "lavfi", "-i", "testsrc2=s=" + size + ":r=" + fps + ":d=" + seconds}
	if sound {
		args = append(args, "-f", "lavfi", "-i", "sine=440:sample_rate=16000:duration="+seconds, "-c:a", "aac", "-ac", "1")
	}
	return append(args, "-pix_fmt", "yuv420p")
}

// Clip is encoded video as it would come from a camera.
type Clip struct {
	Packets []*media.Packet // of video and audio, in the order of decoding; Time is PTS since 1970
	Private map[int][]byte  // by track, as ffmpeg writes it
}

// File is a Matroska file as an independent reader sees it.
type File struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment struct {
		Info    webm.Info     `ebml:"Info"`
		Tracks  webm.Tracks   `ebml:"Tracks"`
		Cluster []FileCluster `ebml:"Cluster"`
		Tags    []FileTags    `ebml:"Tags"`
	} `ebml:"Segment"`
}

// FileCluster is one cluster.
type FileCluster struct {
	Timecode    uint64            `ebml:"Timecode"`
	Position    uint64            `ebml:"Position,omitempty"`
	SimpleBlock []ebml.Block      `ebml:"SimpleBlock"`
	BlockGroup  []webm.BlockGroup `ebml:"BlockGroup"`
}

// FileTags is one set of tags.
type FileTags struct {
	Tag []struct {
		SimpleTag []struct {
			TagName   string `ebml:"TagName"`
			TagString string `ebml:"TagString,omitempty"`
		} `ebml:"SimpleTag"`
	} `ebml:"Tag"`
}

// Read reads a Matroska file with ebml-go.
func Read(t testing.TB, data []byte) File {
	t.Helper()
	var f File
	require.NoError(t, ebml.Unmarshal(bytes.NewReader(data), &f, ebml.WithIgnoreUnknown(true)))
	return f
}

// Encode has ffmpeg make a clip. The test is skipped without ffmpeg.
func Encode(t testing.TB, args ...string) *Clip {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "clip.mkv")
	run(t, "ffmpeg", append(append([]string{"-nostdin"}, args...), "-f", "matroska", path)...)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file := Read(t, data)

	clip := &Clip{Private: make(map[int][]byte)}
	packet := make(map[uint64]func(b []byte, pts time.Duration, at time.Time) (*media.Packet, error))
	for _, track := range file.Segment.Tracks.TrackEntry {
		clip.Private[int(track.TrackNumber)] = track.CodecPrivate
		switch track.CodecID {
		case "V_MPEG4/ISO/AVC":
			sps, pps, err := media.ParseAVCC(track.CodecPrivate)
			require.NoError(t, err)
			packetizer := media.NewH264Packetizer(sps, pps)
			packet[track.TrackNumber] = units(t, packetizer.Packet)
		case "V_MPEGH/ISO/HEVC":
			sets := hvcSets(t, track.CodecPrivate)
			packetizer := media.NewH265Packetizer(sets[32], sets[33], sets[34])
			packet[track.TrackNumber] = units(t, packetizer.Packet)
		case "A_AAC":
			stream, err := media.NewAACStream(track.CodecPrivate)
			require.NoError(t, err)
			packet[track.TrackNumber] = func(b []byte, pts time.Duration, at time.Time) (*media.Packet, error) {
				return media.AudioPacket(stream, b, pts, at)
			}
		default:
			t.Fatalf("cannot read %s", track.CodecID)
		}
	}
	for _, cluster := range file.Segment.Cluster {
		blocks := cluster.SimpleBlock
		for _, group := range cluster.BlockGroup {
			blocks = append(blocks, group.Block)
		}
		for _, block := range blocks {
			pts := time.Duration(int64(cluster.Timecode)+int64(block.Timecode)) * time.Millisecond
			p, err := packet[block.TrackNumber](block.Data[0], pts, time.Unix(0, 0).Add(pts))
			require.NoError(t, err)
			clip.Packets = append(clip.Packets, p)
		}
	}
	require.NotEmpty(t, clip.Packets)
	return clip
}

func units(t testing.TB, packet func([][]byte, time.Duration, time.Time) (*media.Packet, error),
) func([]byte, time.Duration, time.Time) (*media.Packet, error) {
	return func(b []byte, pts time.Duration, at time.Time) (*media.Packet, error) {
		var au h264.AVCC
		require.NoError(t, au.Unmarshal(b))
		return packet(au, pts, at)
	}
}

// hvcSets reads the parameter sets of an hvcC record, by NAL unit type.
func hvcSets(t testing.TB, record []byte) map[byte][]byte {
	sets := make(map[byte][]byte)
	b := record[23:]
	for range record[22] {
		kind, count := b[0]&0x3f, binary.BigEndian.Uint16(b[1:])
		b = b[3:]
		for range count {
			n := binary.BigEndian.Uint16(b)
			sets[kind] = b[2 : 2+n]
			b = b[2+n:]
		}
	}
	require.Len(t, sets[33], len(sets[33]))
	return sets
}

// Decode has ffmpeg decode a file strictly and returns how many pictures are
// in it. Any warning fails the test.
func Decode(t testing.TB, data []byte) (pictures int) {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not installed")
	}
	path := filepath.Join(t.TempDir(), "check.mkv")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	out := run(t, "ffprobe", "-v", "warning", "-select_streams", "v", "-show_entries", "frame=pict_type", "-of", "csv=p=0", path)
	return strings.Count(out, "\n") - strings.Count(out, "\n\n")
}

// Probe returns what ffprobe says of a file, as key=value lines. Any warning
// fails the test.
func Probe(t testing.TB, data []byte, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not installed")
	}
	path := filepath.Join(t.TempDir(), "check.mkv")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return run(t, "ffprobe", append(append([]string{"-v", "warning", "-of", "default=noprint_wrappers=1"}, args...), path)...)
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, append([]string{"-hide_banner", "-v", "error"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), "%s %v: %s", name, args, complaints.String())
	require.Empty(t, complaints.String(), "%s %v", name, args)
	return out.String()
}
