package playback

import (
	"errors"
	"net/http"
	"testing"
	"time"

	kvtypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"
)

func TestRecordings(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 5, 2*time.Second)      // 0 to 10
	w.record(at(10.9), 5, 2*time.Second)   // 10.9 to 20.9, close enough
	w.record(at(22), 1, 2*time.Second)     // 22 to 24
	w.record(at(13), 1, time.Second)       // once more
	w.record(at(3600*5), 1, 2*time.Second) // hours later
	for name, c := range map[string]struct {
		of   Range
		want []Range
	}{
		"all":              {span(-10, 3600*10), []Range{span(0, 20.9), span(22, 24), span(18000, 18002)}},
		"begins within":    {span(5, 3600), []Range{span(5, 20.9), span(22, 24)}},
		"ends within":      {span(-10, 23), []Range{span(0, 20.9), span(22, 23)}},
		"within one":       {span(22.5, 23.5), []Range{span(22.5, 23.5)}},
		"ends at a start":  {span(20.9, 22), nil},
		"begins at an end": {span(24, 30), nil},
		"nothing":          {span(100, 200), nil},
	} {
		got, more, err := w.Recordings(t.Context(), "porch.front", c.of)
		require.NoError(t, err)
		require.Equal(t, c.want, got, name)
		require.Zero(t, more)
	}
	got, more, err := w.Recordings(t.Context(), "porch.none", span(0, 10))
	require.NoError(t, err, "a camera that never sent anything")
	require.Empty(t, got)
	require.Zero(t, more)
}

// A day without a pause is more than is listed at once; asking on gets it all.
func TestRecordingsOfAWholeDay(t *testing.T) {
	w := newWorld(t)
	const day = 24 * 3600
	w.record(at(-1), day/2+10, 2*time.Second)
	from, answers := at(0), 0
	for {
		w.lists = 0
		got, more, err := w.Recordings(t.Context(), "porch.front", Range{from, at(day)})
		require.NoError(t, err)
		require.LessOrEqual(t, w.lists, mostPages+1)
		require.Len(t, got, 1)
		require.Equal(t, from, got[0].From)
		answers++
		if more.IsZero() {
			require.Equal(t, at(day), got[0].To)
			break
		}
		require.Equal(t, more, got[0].To)
		require.True(t, more.After(from))
		from = more
	}
	require.Equal(t, 3, answers)
}

func TestRecordingsAreBounded(t *testing.T) {
	w := newWorld(t)
	for i := range mostRanges + 5 {
		w.record(at(float64(i)*10), 1, time.Second)
	}
	got, more, err := w.Recordings(t.Context(), "porch.front", span(0, 24*3600))
	require.NoError(t, err)
	require.Len(t, got, mostRanges)
	require.Equal(t, at(mostRanges*10), more)
	got, more, err = w.Recordings(t.Context(), "porch.front", Range{more, at(24 * 3600)})
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Zero(t, more)

	w = newWorld(t)
	w.record(at(0), 40000, 100*time.Millisecond) // twice as many as the service takes
	_, _, err = w.Recordings(t.Context(), "porch.front", span(0, 3600))
	require.ErrorIs(t, err, ErrBusy, "rather than an answer with holes")
}

func TestPlay(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 30, 2*time.Second)
	s, err := w.Play(t.Context(), "porch.front", HLS, span(5, 31))
	require.NoError(t, err)
	require.Equal(t, Session{HLS, "https://hls", w.now.Add(time.Hour), at(4), at(32)}, s)
	in := w.hls[0]
	require.Equal(t, "porch.front", *in.StreamName)
	require.Equal(t, types.HLSPlaybackModeOnDemand, in.PlaybackMode)
	require.Equal(t, types.HLSFragmentSelectorTypeProducerTimestamp, in.HLSFragmentSelector.FragmentSelectorType)
	require.Equal(t, at(4), *in.HLSFragmentSelector.TimestampRange.StartTimestamp, "where the fragment starts that holds the time")
	require.Equal(t, at(30.999), *in.HLSFragmentSelector.TimestampRange.EndTimestamp)
	require.EqualValues(t, 5000, *in.MaxMediaPlaylistFragmentResults)
	require.EqualValues(t, 3600, *in.Expires)
	require.Equal(t, types.HLSDiscontinuityModeOnDiscontinuity, in.DiscontinuityMode)
	require.Equal(t, types.ContainerFormatFragmentedMp4, in.ContainerFormat)

	s, err = w.Play(t.Context(), "porch.front", DASH, span(-3600*10, 3600*10))
	require.NoError(t, err)
	require.Equal(t, Session{DASH, "https://dash", w.now.Add(12 * time.Hour), at(0), at(60)}, s)
	require.Equal(t, types.DASHPlaybackModeOnDemand, w.dash[0].PlaybackMode)
	require.EqualValues(t, 1000, *w.dash[0].MaxManifestFragmentResults)
	require.Equal(t, at(0), *w.dash[0].DASHFragmentSelector.TimestampRange.StartTimestamp)
	require.EqualValues(t, 43200, *w.dash[0].Expires)
}

// What does not fit into a playlist is said not to be in it.
func TestPlaySaysWhereItEnds(t *testing.T) {
	w := newWorld(t)
	w.record(at(-1), 13*1800, 2*time.Second)
	s, err := w.Play(t.Context(), "porch.front", HLS, span(0, 24*3600))
	require.NoError(t, err)
	require.Equal(t, at(-1), s.From)
	require.Equal(t, at(9999), s.To)
	r := w.hls[0].HLSFragmentSelector.TimestampRange
	require.LessOrEqual(t, r.EndTimestamp.Sub(*r.StartTimestamp), 24*time.Hour)
	s, err = w.Play(t.Context(), "porch.front", DASH, span(0, 24*3600))
	require.NoError(t, err)
	require.Equal(t, at(1999), s.To)
}

func TestReplayAndLive(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 30, 2*time.Second)
	w.now = at(60)
	s, err := w.Replay(t.Context(), "porch.front", HLS, at(41))
	require.NoError(t, err)
	require.Equal(t, Session{HLS, "https://hls", at(3660), at(40), time.Time{}}, s)
	require.Equal(t, types.HLSPlaybackModeLiveReplay, w.hls[0].PlaybackMode)
	require.Equal(t, at(40), *w.hls[0].HLSFragmentSelector.TimestampRange.StartTimestamp)
	require.Nil(t, w.hls[0].HLSFragmentSelector.TimestampRange.EndTimestamp, "it goes on")
	require.EqualValues(t, 5000, *w.hls[0].MaxMediaPlaylistFragmentResults, "its start stays in the playlist")

	s, err = w.Live(t.Context(), "porch.front", DASH)
	require.NoError(t, err)
	require.Equal(t, Session{DASH, "https://dash", at(3660), time.Time{}, time.Time{}}, s)
	require.Equal(t, types.DASHPlaybackModeLive, w.dash[0].PlaybackMode)
	require.Nil(t, w.dash[0].DASHFragmentSelector.TimestampRange)

	_, err = w.Replay(t.Context(), "porch.front", HLS, at(3600))
	require.ErrorIs(t, err, ErrNotYet, "a device whose clock is ahead")
}

func TestWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 30, 2*time.Second)
	for name, try := range map[string]func(camera string, r Range) error{
		"play": func(camera string, r Range) error { _, err := w.Play(t.Context(), camera, HLS, r); return err },
		"clip": func(camera string, r Range) error { _, err := w.Clip(t.Context(), "alice", camera, r); return err },
		"backward": func(camera string, r Range) error {
			_, err := w.Play(t.Context(), camera, HLS, Range{r.To.Add(time.Hour), r.To})
			return err
		},
	} {
		for _, camera := range []string{"porch.front", "porch.none"} {
			err := try(camera, span(100, 200))
			require.ErrorIs(t, err, ErrNoVideo, name)
			require.NotErrorIs(t, err, ErrNotYet, name)
			w.now = at(290)
			require.ErrorIs(t, try(camera, span(100, 200)), ErrNotYet, name)
			w.now = at(3600)
		}
	}
	w.fail = func(operation string) error {
		if operation == "GetHLSStreamingSessionURL" {
			return &types.ResourceNotFoundException{}
		}
		return nil
	}
	_, err := w.Live(t.Context(), "porch.front", HLS)
	require.ErrorIs(t, err, ErrNotYet)
	_, err = w.Play(t.Context(), "porch.front", HLS, span(0, 10))
	require.ErrorIs(t, err, ErrNoVideo, "it has expired since it was listed")
}

func TestEndpointsAreRemembered(t *testing.T) {
	w := newWorld(t)
	w.record(at(0), 30, 2*time.Second)
	play := func() error { _, err := w.Play(t.Context(), "porch.front", HLS, span(0, 10)); return err }
	for range 3 {
		require.NoError(t, play())
	}
	want := []kvtypes.APIName{kvtypes.APINameListFragments, kvtypes.APINameGetHlsStreamingSessionUrl}
	require.Equal(t, want, w.asked)

	w.now = w.now.Add(endpointLife)
	require.NoError(t, play())
	require.Equal(t, append(want, want...), w.asked, "not for ever")

	w.asked, w.endpoint = nil, "https://two" // nobody answers at the first any more
	require.NoError(t, play())
	require.Equal(t, want, w.asked)

	w.asked = nil
	w.fail = func(operation string) error {
		if operation == "ListFragments" && len(w.asked) == 0 {
			return answered(http.StatusBadRequest, "InvalidEndpointException")
		}
		return nil
	}
	require.NoError(t, play())
	require.Equal(t, want[:1], w.asked)

	w.fail = func(string) error { return errors.New("network is down") }
	w.failed = 0
	require.ErrorIs(t, play(), ErrBusy)
	require.Equal(t, 2, w.failed, "it was asked for another endpoint")
	require.ErrorIs(t, play(), ErrBusy)

	for i := range 2 * mostEndpoints {
		_, _, err := w.endpoints.get(t.Context(), place{"porch.front", kvtypes.APIName(rune('a' + i))})
		require.Error(t, err)
	}
	w.fail = nil
	for i := range 2 * mostEndpoints {
		_, _, err := w.endpoints.get(t.Context(), place{"porch.front", kvtypes.APIName(rune(0x1000 + i))})
		require.NoError(t, err)
	}
	require.LessOrEqual(t, len(w.endpoints.known), mostEndpoints)
}

func TestErrorsAreTold(t *testing.T) {
	for code, want := range map[string]error{
		"ResourceNotFoundException": ErrNoVideo, "NoDataRetentionException": ErrNoVideo,
		"ClientLimitExceededException": ErrBusy, "ThrottlingException": ErrBusy,
		"UnsupportedStreamMediaTypeException": ErrFormat, "MissingCodecPrivateDataException": ErrFormat,
		"InvalidCodecPrivateDataException": ErrFormat,
	} {
		require.ErrorIs(t, classify(answered(http.StatusBadRequest, code)), want, code)
	}
	require.ErrorIs(t, classify(answered(http.StatusBadGateway, "Whatever")), ErrBusy)
	denied := answered(http.StatusForbidden, "AccessDeniedException")
	require.Equal(t, denied, classify(denied), "a fault of ours")
	require.NoError(t, classify(nil))
}
