package kvs_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/ingest"
)

func TestFragmentsAreAcknowledgedWhileSending(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 2)
	header, clusters := split(t, film(t, "8"))
	require.Len(t, clusters, 4)
	began := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	u := w.open(t, opening{stream: "porch", start: began})
	require.Equal(t, http.StatusOK, u.res.StatusCode, "the answer begins before anything was sent")
	u.send(header)
	u.send(clusters[0])
	first := u.until(ingest.Buffering)
	require.Zero(t, *first.FragmentTimecode)
	require.Regexp(t, `^\d{47}$`, first.FragmentNumber)
	require.Equal(t, first.FragmentNumber, u.until(ingest.Received).FragmentNumber)
	require.Equal(t, first.FragmentNumber, u.until(ingest.Persisted).FragmentNumber)

	list, err := w.archive().ListFragments(t.Context(), &kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: aws.String("porch")})
	require.NoError(t, err)
	require.Len(t, list.Fragments, 1, "what was acknowledged is there while the upload goes on")
	require.Equal(t, first.FragmentNumber, *list.Fragments[0].FragmentNumber)
	require.InDelta(t, 2000, list.Fragments[0].FragmentLengthInMilliseconds, 100)
	require.True(t, began.Equal(*list.Fragments[0].ProducerTimestamp))

	second := w.open(t, opening{stream: "porch", start: began})
	require.Equal(t, http.StatusBadRequest, second.res.StatusCode)
	require.Equal(t, "ConnectionLimitExceededException", second.res.Header.Get("X-Amzn-Errortype"))

	for _, c := range clusters[1:] {
		u.send(c)
	}
	rest := u.finish()
	require.Equal(t, []string{"BUFFERING", "RECEIVED", "PERSISTED", "BUFFERING", "RECEIVED", "PERSISTED", "BUFFERING", "RECEIVED", "PERSISTED"}, events(rest))
	require.InDelta(t, 6000, *rest[8].FragmentTimecode, 100)
}
