package kvs_test

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg" // what images are decoded by
	_ "image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	kvtypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/ingest"
)

func (w *world) list(t *testing.T, in kinesisvideoarchivedmedia.ListFragmentsInput) (found []types.Fragment) {
	t.Helper()
	in.StreamName = aws.String("porch")
	pages := kinesisvideoarchivedmedia.NewListFragmentsPaginator(w.archive(), &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		found = append(found, page.Fragments...)
	}
	return found
}

func TestListFragments(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	all := w.list(t, kinesisvideoarchivedmedia.ListFragmentsInput{MaxResults: aws.Int64(2)})
	require.Len(t, all, 5)
	for i, f := range all {
		require.WithinDuration(t, began.Add(time.Duration(i)*2*time.Second), *f.ProducerTimestamp, 300*time.Millisecond)
		require.WithinDuration(t, time.Now(), *f.ServerTimestamp, time.Minute)
		require.InDelta(t, 2000, f.FragmentLengthInMilliseconds, 10)
		require.Positive(t, f.FragmentSizeInBytes)
	}
	chosen := func(by types.FragmentSelectorType, from, to time.Time) int {
		return len(w.list(t, kinesisvideoarchivedmedia.ListFragmentsInput{MaxResults: aws.Int64(1), FragmentSelector: &types.FragmentSelector{
			FragmentSelectorType: by, TimestampRange: &types.TimestampRange{StartTimestamp: &from, EndTimestamp: &to}}}))
	}
	require.Equal(t, 2, chosen(types.FragmentSelectorTypeProducerTimestamp, began.Add(time.Second), began.Add(5*time.Second)))
	require.Equal(t, 5, chosen(types.FragmentSelectorTypeServerTimestamp, began.Add(30*time.Minute), time.Now().Add(time.Hour)))
	require.Zero(t, chosen(types.FragmentSelectorTypeServerTimestamp, began, began.Add(time.Minute)))
}

func TestMediaForFragmentList(t *testing.T) {
	t.Parallel()
	w, _ := recorded(t)
	all := w.list(t, kinesisvideoarchivedmedia.ListFragmentsInput{})
	get := func(numbers ...string) ([]byte, error) {
		out, err := w.archive().GetMediaForFragmentList(t.Context(), &kinesisvideoarchivedmedia.GetMediaForFragmentListInput{StreamName: aws.String("porch"), Fragments: numbers})
		if err != nil {
			return nil, err
		}
		defer out.Payload.Close()
		return io.ReadAll(out.Payload)
	}
	one, err := get(*all[1].FragmentNumber)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "one.mkv")
	require.NoError(t, os.WriteFile(file, one, 0o600))
	require.Equal(t, 20, examine(t, file).frames("video"), "each fragment plays on its own")
	both, err := get(*all[2].FragmentNumber, *all[1].FragmentNumber)
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(both, one), "in the order asked for")
	_, err = get("1")
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
}

// getMedia reads a GetMedia answer to its end.
func (w *world) getMedia(t *testing.T, selector map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"StreamName": "porch", "StartSelector": selector})
	require.NoError(t, err)
	res := w.post(t, w.keys.Admin(), "/getMedia", map[string]string{"Content-Type": "application/json"}, bytes.NewReader(body), hash(body))
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, string(raw))
	return raw
}

func TestGetMedia(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	all := w.list(t, kinesisvideoarchivedmedia.ListFragmentsInput{})
	third := *all[2].FragmentNumber
	for want, selector := range map[int]map[string]any{
		5: {"StartSelectorType": "EARLIEST"},
		2: {"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": third},
		3: {"StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": float64(began.Add(2500*time.Millisecond).UnixMilli()) / 1000},
		0: {"StartSelectorType": "NOW"},
	} {
		raw := w.getMedia(t, selector)
		require.Equal(t, want, bytes.Count(raw, []byte("AWS_KINESISVIDEO_FRAGMENT_NUMBER")), selector)
		require.Equal(t, want, bytes.Count(raw, []byte("AWS_KINESISVIDEO_CONTINUATION_TOKEN")))
	}
	raw := w.getMedia(t, map[string]any{"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": third})
	require.Contains(t, string(raw), *all[3].FragmentNumber)
	file := filepath.Join(t.TempDir(), "media.mkv")
	require.NoError(t, os.WriteFile(file, w.getMedia(t, map[string]any{"StartSelectorType": "EARLIEST"}), 0o600))
	require.Contains(t, string(ffmpeg(t, "-i", file, "-map", "0:v", "-f", "framecrc", "pipe:1")), "#codec_id 0: rawvideo")
}

func TestGetMediaFollowsAnUpload(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 1)
	header, clusters := split(t, film(t, "6"))
	u := w.open(t, opening{stream: "porch", start: time.Now()})
	u.send(header)
	u.send(clusters[0])
	u.until(ingest.Persisted)
	got := make(chan []byte, 1)
	go func() {
		body := []byte(`{"StreamName":"porch","StartSelector":{"StartSelectorType":"EARLIEST"}}`)
		res := w.post(t, w.keys.Admin(), "/getMedia", nil, bytes.NewReader(body), hash(body))
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		got <- raw
	}()
	u.send(clusters[1])
	u.until(ingest.Persisted)
	u.send(clusters[2])
	u.finish()
	require.NotZero(t, bytes.Count(<-got, []byte("AWS_KINESISVIDEO_FRAGMENT_NUMBER")))
}

func TestImages(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	get := func(in kinesisvideoarchivedmedia.GetImagesInput) *kinesisvideoarchivedmedia.GetImagesOutput {
		in.StreamName, in.ImageSelectorType, in.Format = aws.String("porch"), types.ImageSelectorTypeProducerTimestamp, types.FormatPng
		in.StartTimestamp, in.EndTimestamp = aws.Time(began.Add(-time.Second)), aws.Time(began.Add(11*time.Second))
		out, err := w.archive().GetImages(t.Context(), &in)
		require.NoError(t, err)
		return out
	}
	out := get(kinesisvideoarchivedmedia.GetImagesInput{SamplingInterval: aws.Int32(1000), WidthPixels: aws.Int32(64)})
	require.Len(t, out.Images, 13)
	require.Nil(t, out.NextToken)
	require.Equal(t, types.ImageErrorNoMedia, out.Images[0].Error)
	require.Equal(t, types.ImageErrorNoMedia, out.Images[12].Error)
	seen := map[string]bool{}
	for i, img := range out.Images[1:11] {
		require.Empty(t, img.Error, i)
		require.True(t, img.TimeStamp.Equal(began.Add(time.Duration(i)*time.Second)))
		picture, kind, err := image.Decode(decode64(*img.ImageContent))
		require.NoError(t, err)
		require.Equal(t, "png", kind)
		require.Equal(t, image.Pt(64, 36), picture.Bounds().Size())
		seen[*img.ImageContent] = true
	}
	require.Len(t, seen, 10, "each is of another moment")

	page := get(kinesisvideoarchivedmedia.GetImagesInput{SamplingInterval: aws.Int32(1000), MaxResults: aws.Int64(8)})
	require.Len(t, page.Images, 8)
	page = get(kinesisvideoarchivedmedia.GetImagesInput{SamplingInterval: aws.Int32(1000), MaxResults: aws.Int64(8), NextToken: page.NextToken})
	require.Len(t, page.Images, 5)
	require.Nil(t, page.NextToken)
}

func TestTaggedFragmentsMakeImagesAndNotices(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	arn := w.create(t, "porch", 1)
	name, topic := aws.String("porch"), "arn:aws:sns:us-east-1:000000000000:fragments"
	_, err := w.control().UpdateImageGenerationConfiguration(t.Context(), &kinesisvideo.UpdateImageGenerationConfigurationInput{StreamName: name,
		ImageGenerationConfiguration: images(region, 500)})
	require.NoError(t, err)
	_, err = w.control().UpdateNotificationConfiguration(t.Context(), &kinesisvideo.UpdateNotificationConfigurationInput{StreamName: name,
		NotificationConfiguration: &kvtypes.NotificationConfiguration{Status: kvtypes.ConfigurationStatusEnabled,
			DestinationConfig: &kvtypes.NotificationDestinationConfig{Uri: &topic}}})
	require.NoError(t, err)
	header, clusters := split(t, film(t, "6"))
	u := w.open(t, opening{stream: "porch", start: time.Now()})
	u.send(header)
	u.send(clusters[0])
	u.send(tagsElement("AWS_KINESISVIDEO_IMAGE_GENERATION", "", "AWS_KINESISVIDEO_IMAGE_PREFIX", "event/door", "AWS_KINESISVIDEO_NOTIFICATION", "", "track", "person"))
	u.send(clusters[1])
	u.send(clusters[2])
	acks := u.finish()
	tagged := acks[3]
	require.Equal(t, "BUFFERING", tagged.EventType)
	require.Eventually(t, func() bool {
		w.sinks.mu.Lock()
		defer w.sinks.mu.Unlock()
		return len(w.sinks.objects) == 4 && len(w.sinks.notices) == 1
	}, patient, 10*time.Millisecond, "two seconds, an image each half: %s", w.logs)
	w.sinks.mu.Lock()
	defer w.sinks.mu.Unlock()
	for key, o := range w.sinks.objects {
		require.Regexp(t, `^pictures/event/door_000000000000_porch_\d{13}_[0-9a-f-]{36}\.jpg$`, key)
		require.Equal(t, "image/jpeg", o.contentType)
		require.Equal(t, tagged.FragmentNumber, o.metadata["aws_kinesisvideo_fragment_number"])
		require.Equal(t, "person", o.metadata["track"])
		require.Contains(t, o.metadata, "aws_kinesisvideo_producer_timestamp")
		require.Contains(t, o.metadata, "aws_kinesisvideo_server_timestamp")
		picture, _, err := image.Decode(bytes.NewReader(o.body))
		require.NoError(t, err)
		require.Equal(t, 160, picture.Bounds().Dx())
	}
	to, message, _ := strings.Cut(w.sinks.notices[0], "|Kinesis Video Streams Notification|")
	require.Equal(t, topic, to)
	var notice struct {
		StreamArn, FragmentNumber, NotificationType string
		NotificationPayload                         map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(message), &notice))
	require.Equal(t, arn, notice.StreamArn)
	require.Equal(t, tagged.FragmentNumber, notice.FragmentNumber)
	require.Equal(t, "PERSISTED", notice.NotificationType)
	require.Equal(t, map[string]string{"track": "person"}, notice.NotificationPayload)
}

// Between two fragments there are some milliseconds without a picture of their
// own; an image asked for there is the picture before.
func TestImageBetweenTwoFragments(t *testing.T) {
	t.Parallel()
	w, began := recorded(t)
	list, err := w.archive().ListFragments(t.Context(), &kinesisvideoarchivedmedia.ListFragmentsInput{StreamName: aws.String("porch")})
	require.NoError(t, err)
	slices.SortFunc(list.Fragments, func(a, b types.Fragment) int { return a.ProducerTimestamp.Compare(*b.ProducerTimestamp) })
	next := *list.Fragments[1].ProducerTimestamp
	at := next.Add(-2 * time.Millisecond)
	require.Greater(t, at.Sub(began).Milliseconds(), list.Fragments[0].FragmentLengthInMilliseconds, "it is in no fragment")
	out, err := w.archive().GetImages(t.Context(), &kinesisvideoarchivedmedia.GetImagesInput{
		StreamName: aws.String("porch"), ImageSelectorType: types.ImageSelectorTypeProducerTimestamp, Format: types.FormatJpeg,
		SamplingInterval: aws.Int32(3000), StartTimestamp: &at, EndTimestamp: aws.Time(at.Add(time.Millisecond)),
	})
	require.NoError(t, err)
	require.Len(t, out.Images, 1)
	require.Empty(t, out.Images[0].Error)
	require.NotEmpty(t, aws.ToString(out.Images[0].ImageContent))
}
