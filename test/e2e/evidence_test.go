package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// The video of an event is in its camera's stream, which the device has made
// with what its role may do, and pictures of it are where thumbnails are.
func TestEvidenceLeavesTheHome(t *testing.T) {
	t.Parallel()
	m := boot(t, filepath.Join(t.TempDir(), "data"), syntheticCamera(t)...)
	me := m.signIn()
	var clip map[string]any
	await(t, "an event with a clip", func() bool {
		for _, e := range me.events() {
			if clip, _ = e["clip"].(map[string]any); clip != nil && e["state"] == "ended" {
				return true
			}
		}
		return false
	})
	require.Equal(t, "home.door", clip["stream"])
	env := m.environment()
	keys := credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")
	archive := kinesisvideoarchivedmedia.New(kinesisvideoarchivedmedia.Options{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), Credentials: keys,
	})
	from, err := time.Parse(time.RFC3339, clip["from"].(string))
	require.NoError(t, err)
	to, err := time.Parse(time.RFC3339, clip["to"].(string))
	require.NoError(t, err)
	await(t, "the event's video", func() bool {
		out, err := archive.ListFragments(t.Context(), &kinesisvideoarchivedmedia.ListFragmentsInput{
			StreamName: aws.String("home.door"), FragmentSelector: &types.FragmentSelector{
				FragmentSelectorType: types.FragmentSelectorTypeProducerTimestamp,
				TimestampRange:       &types.TimestampRange{StartTimestamp: &from, EndTimestamp: &to},
			},
		})
		return err == nil && len(out.Fragments) > 0
	})
	objects := s3.New(s3.Options{Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), UsePathStyle: true, Credentials: keys})
	await(t, "a picture that the stream made", func() bool {
		out, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
			Bucket: aws.String(m.output("ThumbnailBucketName")), Prefix: aws.String("thumbnails/home/images_"),
		})
		if err != nil {
			return false
		}
		for _, o := range out.Contents {
			if strings.Contains(*o.Key, "_home.door_") {
				return true
			}
		}
		return false
	})
}
