package kvs_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs"
)

func TestStreamsThroughTheSDK(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := start(t, dir, nil)
	client, ctx, name := w.control(), t.Context(), aws.String("porch")
	created, err := client.CreateStream(ctx, &kinesisvideo.CreateStreamInput{StreamName: name, DataRetentionInHours: aws.Int32(24),
		MediaType: aws.String("video/h264"), DeviceName: aws.String("cam"), Tags: map[string]string{"room": "hall"}})
	require.NoError(t, err)
	require.Regexp(t, `^arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/\d{13}$`, *created.StreamARN)
	_, err = client.CreateStream(ctx, &kinesisvideo.CreateStreamInput{StreamName: name})
	var inUse *types.ResourceInUseException
	require.ErrorAs(t, err, &inUse)

	described, err := client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: name})
	require.NoError(t, err)
	info := described.StreamInfo
	require.Equal(t, types.StatusActive, info.Status)
	require.EqualValues(t, 24, *info.DataRetentionInHours)
	require.Equal(t, "video/h264", *info.MediaType)
	require.WithinDuration(t, time.Now(), *info.CreationTime, time.Hour)

	_, err = client.UpdateStream(ctx, &kinesisvideo.UpdateStreamInput{StreamName: name, CurrentVersion: aws.String("old"), DeviceName: aws.String("b")})
	var version *types.VersionMismatchException
	require.ErrorAs(t, err, &version)
	_, err = client.UpdateDataRetention(ctx, &kinesisvideo.UpdateDataRetentionInput{StreamName: name, CurrentVersion: info.Version,
		Operation: types.UpdateDataRetentionOperationDecreaseDataRetention, DataRetentionChangeInHours: aws.Int32(20)})
	require.NoError(t, err)
	w.stop()

	w = start(t, dir, nil)
	client = w.control()
	described, err = client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamARN: created.StreamARN})
	require.NoError(t, err, "streams outlive a restart")
	require.EqualValues(t, 4, *described.StreamInfo.DataRetentionInHours)
	require.NotEqual(t, *info.Version, *described.StreamInfo.Version)

	_, err = client.TagStream(ctx, &kinesisvideo.TagStreamInput{StreamName: name, Tags: map[string]string{"floor": "1"}})
	require.NoError(t, err)
	_, err = client.TagResource(ctx, &kinesisvideo.TagResourceInput{ResourceARN: created.StreamARN, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	require.NoError(t, err)
	_, err = client.UntagStream(ctx, &kinesisvideo.UntagStreamInput{StreamName: name, TagKeyList: []string{"room"}})
	require.NoError(t, err)
	tags, err := client.ListTagsForStream(ctx, &kinesisvideo.ListTagsForStreamInput{StreamName: name})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"floor": "1", "a": "b"}, tags.Tags)

	endpoint, err := client.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{StreamName: name, APIName: types.APINamePutMedia})
	require.NoError(t, err)
	require.Equal(t, w.server.URL, *endpoint.DataEndpoint)
	_, err = client.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{StreamName: aws.String("nope"), APIName: types.APINamePutMedia})
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)

	_, err = client.DeleteStream(ctx, &kinesisvideo.DeleteStreamInput{StreamARN: created.StreamARN})
	require.NoError(t, err)
	_, err = client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: name})
	require.ErrorAs(t, err, &missing)
}

func TestListStreams(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	for i := range 5 {
		w.create(t, fmt.Sprintf("cam-%d", i), 1)
	}
	w.create(t, "attic", 1)
	pages := kinesisvideo.NewListStreamsPaginator(w.control(), &kinesisvideo.ListStreamsInput{MaxResults: aws.Int32(2),
		StreamNameCondition: &types.StreamNameCondition{ComparisonOperator: types.ComparisonOperatorBeginsWith, ComparisonValue: aws.String("cam-")}})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.StreamInfoList), 2)
		for _, s := range page.StreamInfoList {
			names = append(names, *s.StreamName)
		}
	}
	require.Equal(t, []string{"cam-0", "cam-1", "cam-2", "cam-3", "cam-4"}, names)
}

func TestConfigurationsOfImagesAndNotices(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	client, ctx, name := w.control(), t.Context(), aws.String("porch")
	w.create(t, "porch", 1)
	empty, err := client.DescribeImageGenerationConfiguration(ctx, &kinesisvideo.DescribeImageGenerationConfigurationInput{StreamName: name})
	require.NoError(t, err)
	require.Nil(t, empty.ImageGenerationConfiguration)
	want := images("us-east-1", 500)
	_, err = client.UpdateImageGenerationConfiguration(ctx, &kinesisvideo.UpdateImageGenerationConfigurationInput{StreamName: name, ImageGenerationConfiguration: want})
	require.NoError(t, err)
	got, err := client.DescribeImageGenerationConfiguration(ctx, &kinesisvideo.DescribeImageGenerationConfigurationInput{StreamName: name})
	require.NoError(t, err)
	require.Equal(t, want, got.ImageGenerationConfiguration)
	var invalid *types.InvalidArgumentException
	for _, bad := range []*types.ImageGenerationConfiguration{images("eu-west-1", 500), images("us-east-1", 100)} {
		_, err = client.UpdateImageGenerationConfiguration(ctx, &kinesisvideo.UpdateImageGenerationConfigurationInput{StreamName: name, ImageGenerationConfiguration: bad})
		require.ErrorAs(t, err, &invalid)
	}
	notice := &types.NotificationConfiguration{Status: types.ConfigurationStatusEnabled,
		DestinationConfig: &types.NotificationDestinationConfig{Uri: aws.String("arn:aws:sns:us-east-1:000000000000:fragments")}}
	_, err = client.UpdateNotificationConfiguration(ctx, &kinesisvideo.UpdateNotificationConfigurationInput{StreamName: name, NotificationConfiguration: notice})
	require.NoError(t, err)
	told, err := client.DescribeNotificationConfiguration(ctx, &kinesisvideo.DescribeNotificationConfigurationInput{StreamName: name})
	require.NoError(t, err)
	require.Equal(t, notice, told.NotificationConfiguration)
}

// images configures image generation into a bucket of a region.
func images(region string, interval int32) *types.ImageGenerationConfiguration {
	return &types.ImageGenerationConfiguration{Status: types.ConfigurationStatusEnabled, Format: types.FormatJpeg,
		ImageSelectorType: types.ImageSelectorTypeProducerTimestamp, SamplingInterval: aws.Int32(interval), WidthPixels: aws.Int32(160),
		DestinationConfig: &types.ImageGenerationDestinationConfig{Uri: aws.String("s3://pictures"), DestinationRegion: aws.String(region)}}
}

func TestOnlyAllowedStreamsCanBeSentTo(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	w.create(t, "porch", 1)
	w.create(t, "attic", 1)
	device, err := w.keys.Issue("arn:aws:iam::000000000000:role/device", "certificate",
		map[string]string{"credentials-iot:ThingName": "porch"}, time.Hour)
	require.NoError(t, err)
	u := w.open(t, opening{stream: "porch", absolute: true, creds: &device})
	require.Equal(t, http.StatusOK, u.res.StatusCode, "%v", u.res.Header)
	for _, name := range []string{"attic", "cellar"} {
		refused := w.open(t, opening{stream: name, absolute: true, creds: &device})
		require.Equal(t, http.StatusForbidden, refused.res.StatusCode)
		require.Equal(t, "AccessDeniedException", refused.res.Header.Get("X-Amzn-Errortype"))
	}
	client := kinesisvideo.NewFromConfig(w.config(device))
	_, err = client.DeleteStream(t.Context(), &kinesisvideo.DeleteStreamInput{StreamARN: aws.String(w.service.StreamARN("porch"))})
	require.ErrorContains(t, err, "kinesisvideo:DeleteStream on arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/1")
	other := device
	other.SecretAccessKey = strings.Repeat("x", 40)
	require.Equal(t, http.StatusForbidden, w.open(t, opening{stream: "porch", absolute: true, creds: &other}).res.StatusCode)
}

func TestStreamsOfTheTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	arn := "arn:aws:kinesisvideo:us-east-1:000000000000:stream/porch/1577836800000"
	for _, hours := range []int{1, 48} {
		w := start(t, dir, nil)
		require.NoError(t, w.service.Provision(arn, kvs.Properties{Name: "porch", DataRetentionInHours: hours}))
		got, err := w.control().DescribeStream(t.Context(), &kinesisvideo.DescribeStreamInput{StreamARN: &arn})
		require.NoError(t, err)
		require.EqualValues(t, hours, *got.StreamInfo.DataRetentionInHours)
		w.stop()
	}
}
