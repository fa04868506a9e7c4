package ingest_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/at-wat/ebml-go/webm"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/ingest"
	"porchlight/internal/localcloud/kvs/mkv"
)

func TestRulesOfFragments(t *testing.T) {
	t.Parallel()
	t0 := now()
	long := strings.Repeat("x", 257)
	var eleven []string
	for range 11 {
		eleven = append(eleven, "a", "b")
	}
	third := audio
	third.TrackNumber, third.TrackUID = 3, 3
	fourth := audio
	fourth.TrackNumber, fourth.TrackUID = 4, 4
	other := video
	other.CodecPrivate = []byte{2}
	type inner struct {
		Timecode uint64   `ebml:"Timecode"`
		Tags     struct{} `ebml:"Tags"`
	}
	tagged := piece(&struct {
		Cluster inner `ebml:"Cluster"`
	}{inner{Timecode: t0}})
	later := uint64(time.Now().Add(48 * time.Hour).UnixMilli())
	for name, c := range map[string]struct {
		parts [][]byte
		want  string // event types
		id    int
		code  string
	}{
		"two fragments":        {[][]byte{header(video), gop(t0), gop(t0 + 1000)}, whole + " " + whole, 0, ""},
		"video and audio":      {[][]byte{header(video, audio), cluster(t0, frame{2, 0, true, 10}, frame{1, 5, true, 10})}, whole, 0, ""},
		"nothing but tracks":   {[][]byte{header(video)}, "", 0, ""},
		"end of fragment":      {[][]byte{header(video), gop(t0), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT", "")}, whole, 0, ""},
		"too large":            {[][]byte{header(video), cluster(t0, frame{1, 0, true, 600_000}, frame{1, 9, false, 600_000})}, "BUFFERING ERROR", 4001, "MAX_FRAGMENT_SIZE_REACHED"},
		"block too large":      {[][]byte{header(video), cluster(t0, frame{1, 0, true, 1<<20 + 1})}, "BUFFERING ERROR", 4001, "MAX_FRAGMENT_SIZE_REACHED"},
		"too long":             {[][]byte{header(video), cluster(t0, frame{1, 0, true, 1}, frame{1, 20001, false, 1})}, "BUFFERING ERROR", 4002, "MAX_FRAGMENT_DURATION_REACHED"},
		"time goes back":       {[][]byte{header(video), gop(t0), gop(t0 - 1)}, whole + " ERROR", 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"},
		"time stands still":    {[][]byte{header(video), gop(t0), gop(t0 + 500)}, whole + " BUFFERING ERROR", 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"},
		"four tracks":          {[][]byte{header(video, audio, third, fourth), gop(t0)}, "ERROR", 4005, "MORE_THAN_ALLOWED_TRACKS_FOUND"},
		"no key frame":         {[][]byte{header(video), cluster(t0, frame{1, 0, false, 1})}, "BUFFERING ERROR", 4006, "INVALID_MKV_DATA"},
		"no Matroska":          {[][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, "ERROR", 4006, "INVALID_MKV_DATA"},
		"breaks off":           {[][]byte{header(video), gop(t0), gop(t0 + 1000)[:90]}, whole + " BUFFERING ERROR", 4006, "INVALID_MKV_DATA"},
		"second segment":       {[][]byte{header(video), gop(t0), header(video), gop(t0 + 1000)}, whole + " ERROR", 4006, "INVALID_MKV_DATA"},
		"tags in a cluster":    {[][]byte{header(video), tagged}, "BUFFERING ERROR", 4006, "INVALID_MKV_DATA"},
		"far in the future":    {[][]byte{header(video), gop(later)}, "ERROR", 4007, "INVALID_PRODUCER_TIMESTAMP"},
		"too many tags":        {[][]byte{header(video), tags(eleven...), gop(t0)}, "ERROR", 4009, "FRAGMENT_METADATA_LIMIT_REACHED"},
		"tag value too long":   {[][]byte{header(video), tags("a", long), gop(t0)}, "ERROR", 4009, "FRAGMENT_METADATA_LIMIT_REACHED"},
		"tag name too long":    {[][]byte{header(video), tags(long[:129], "a"), gop(t0)}, "ERROR", 4009, "FRAGMENT_METADATA_LIMIT_REACHED"},
		"reserved tag":         {[][]byte{header(video), tags("AWS_MINE", "a"), gop(t0)}, "ERROR", 4009, "FRAGMENT_METADATA_LIMIT_REACHED"},
		"undeclared track":     {[][]byte{header(video), cluster(t0, frame{1, 0, true, 1}, frame{2, 1, true, 1})}, "BUFFERING ERROR", 4010, "TRACK_NUMBER_MISMATCH"},
		"track without frames": {[][]byte{header(video, audio), gop(t0), gop(t0 + 1000)}, "BUFFERING ERROR", 4011, "FRAMES_MISSING_FOR_TRACK"},
		"no frames at all":     {[][]byte{header(video), cluster(t0)}, "BUFFERING ERROR", 4011, "FRAMES_MISSING_FOR_TRACK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, ingest.Limits{FragmentBytes: 1 << 20})
			acks := w.open(t).all(c.parts...)
			require.Equal(t, c.want, types(acks))
			stored, err := w.store.Find(fragments.Query{ARN: arn})
			require.NoError(t, err)
			require.Len(t, stored, strings.Count(c.want, "PERSISTED"))
			if c.id != 0 {
				last := acks[len(acks)-1]
				require.Equal(t, c.id, last.ErrorId)
				require.Equal(t, c.code, last.ErrorCode)
			}
		})
	}
}

func TestTagsBelongToTheFragmentBefore(t *testing.T) {
	t.Parallel()
	w, t0 := start(t, ingest.Limits{}), now()
	acks := w.open(t).all(header(video), gop(t0), tags("zone", "door", "AWS_KINESISVIDEO_IMAGE_GENERATION", ""), tags("who", "cat"),
		gop(t0+1000), gop(t0+2000), tags("who", "dog"), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""))
	require.Equal(t, strings.Join([]string{whole, whole, whole}, " "), types(acks))
	stored, err := w.store.Find(fragments.Query{ARN: arn})
	require.NoError(t, err)
	require.Equal(t, []mkv.Tag{{Name: "zone", Value: "door"}, {Name: "AWS_KINESISVIDEO_IMAGE_GENERATION"}, {Name: "who", Value: "cat"}}, stored[0].Tags)
	require.Empty(t, stored[1].Tags)
	require.Equal(t, []mkv.Tag{{Name: "who", Value: "dog"}}, stored[2].Tags)
	require.Equal(t, time.Second, stored[0].Length)
	require.Equal(t, int64(t0), stored[0].Producer.UnixMilli())
	numbers := []string{stored[0].Number, stored[1].Number, stored[2].Number}
	require.True(t, slices.IsSorted(numbers))
}

// What is counted in other ticks, and relative to a start, becomes milliseconds since 1970.
func TestTimecodes(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{})
	u := w.open(t, "x-amzn-fragment-timecode-type", "RELATIVE", "x-amzn-producer-start-timestamp", "1700000000.005")
	slow := bytes.Replace(header(video), []byte{0x0F, 0x42, 0x40}, []byte{0x98, 0x96, 0x80}, 1) // 10 ms for each tick
	acks := u.all(slow, gop(100), gop(700))
	require.Equal(t, whole+" "+whole, types(acks))
	require.EqualValues(t, 1000, *acks[0].FragmentTimecode)
	stored, err := w.store.Find(fragments.Query{ARN: arn})
	require.NoError(t, err)
	require.EqualValues(t, 1700000001005, stored[0].Producer.UnixMilli())
	require.Equal(t, 10*time.Second, stored[0].Length)
	file, err := w.store.Open(arn, stored[0])
	require.NoError(t, err)
	defer file.Close()
	var parsed struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment webm.Segment    `ebml:"Segment,size=unknown"`
	}
	require.NoError(t, unmarshal(file, &parsed), "what is stored, a library that is not ours reads")
	require.EqualValues(t, 1700000001005, parsed.Segment.Cluster[0].Timecode)
	require.Len(t, parsed.Segment.Cluster[0].SimpleBlock, 2)
	require.EqualValues(t, 5000, parsed.Segment.Cluster[0].SimpleBlock[1].Timecode)
}

func TestRefusedBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	w := start(t, ingest.Limits{})
	for _, c := range []struct {
		header []string
		status int
		code   string
	}{
		{[]string{"x-amzn-stream-name", ""}, http.StatusBadRequest, "InvalidArgumentException"},
		{[]string{"x-amzn-stream-arn", arn}, http.StatusBadRequest, "InvalidArgumentException"},
		{[]string{"x-amzn-stream-name", "attic"}, http.StatusNotFound, "ResourceNotFoundException"},
		{[]string{"x-amzn-fragment-timecode-type", "OTHER"}, http.StatusBadRequest, "InvalidArgumentException"},
		{[]string{"x-amzn-fragment-timecode-type", "RELATIVE"}, http.StatusBadRequest, "InvalidArgumentException"},
	} {
		u := w.open(t, c.header...)
		require.Equal(t, c.status, u.res.StatusCode)
		require.Equal(t, c.code, u.res.Header.Get("X-Amzn-Errortype"))
	}
	require.Equal(t, whole, types(w.open(t, "x-amzn-stream-name", "", "x-amzn-stream-arn", arn).all(header(video), gop(now()))))
}
