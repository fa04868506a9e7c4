package publish_test

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"porchlight/internal/publish"
	"porchlight/internal/publish/recipe"
)

// built prepares a camera component whose program is this test.
func built(t *testing.T) *publish.Component {
	t.Helper()
	c, err := publish.Camera(t.Context(), t.TempDir(), recipe.Both, publish.CameraSource{
		Arch: []string{runtime.GOARCH},
		Build: func(_ context.Context, into string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return os.Symlink(self, into)
		},
	})
	require.NoError(t, err)
	return c
}

func TestCameraIsBuiltForThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test program is not for Linux")
	}
	c := built(t)
	require.Len(t, c.Artifacts, 1)
	archive, err := zip.OpenReader(c.Artifacts[0].Path)
	require.NoError(t, err)
	defer archive.Close()
	require.Len(t, archive.File, 1)
	require.Equal(t, "camera", archive.File[0].Name)
	require.Equal(t, fs.FileMode(0o755), archive.File[0].Mode())
	require.Equal(t, 1980, archive.File[0].Modified.UTC().Year(), "no time of the build")
}

func TestCameraOfAnotherArchitectureIsNotBuilt(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	_, err := publish.Camera(t.Context(), t.TempDir(), recipe.Both, publish.CameraSource{Arch: []string{other}})
	require.ErrorIs(t, err, publish.ErrCrossBuild)
	require.ErrorContains(t, err, "name the folder above with --binary")
}

func TestRecipeAndArtifactsMustAgree(t *testing.T) {
	c := built(t)
	c.Artifacts = append(c.Artifacts, publish.Artifact{Name: "stray"})
	require.ErrorIs(t, c.Fill("1.0.0", "parts"), publish.ErrMismatch)
	c.Artifacts = nil
	require.ErrorIs(t, c.Fill("1.0.0", "parts"), publish.ErrMismatch)
}

func TestFillRefuses(t *testing.T) {
	c := built(t)
	for _, version := range []string{"", "1", "v1.0.0", "01.0.0", "NEXT_PATCH", "1.0.0\n"} {
		require.ErrorIs(t, c.Fill(version, "parts"), publish.ErrSetting, "%q", version)
	}
	for _, bucket := range []string{"", "a", "Parts", "a/b", `a"b`, "parts-"} {
		require.ErrorIs(t, c.Fill("1.0.0", bucket), publish.ErrSetting, "%q", bucket)
	}
}

func TestDigestIsOfRecipeAndArtifacts(t *testing.T) {
	c := built(t)
	digest := func(version, bucket string) string {
		require.NoError(t, c.Fill(version, bucket))
		return c.Digest()
	}
	first := digest("1.0.0", "parts")
	require.Equal(t, first, digest("1.0.0", "parts"))
	require.NotEqual(t, first, digest("1.0.0", "other"))
	c.Artifacts[0].SHA256 = "other"
	require.NotEqual(t, first, digest("1.0.0", "parts"))
}

func TestTargets(t *testing.T) {
	for _, good := range []string{"home", "thing/home", "thing/a:b", "thinggroup/homes", "arn:aws:iot:eu-central-1:123456789012:thing/home", "arn:aws-cn:iot:cn-north-1:123456789012:thinggroup/g"} {
		require.NoError(t, publish.CheckTarget(good), good)
	}
	for _, bad := range []string{"", "a/b", "thing/", "group/a", "arn:aws:iot:eu-central-1:1:thing/home", "arn:aws:s3:::bucket", "a b"} {
		require.ErrorIs(t, publish.CheckTarget(bad), publish.ErrTarget, bad)
	}
}

// slow is a Greengrass that takes a while to check a component version.
type slow struct {
	publish.Greengrass
	tags  map[string]string
	looks int // until it is deployable
	asked int
}

func (s *slow) DescribeComponent(context.Context, *greengrassv2.DescribeComponentInput, ...func(*greengrassv2.Options)) (*greengrassv2.DescribeComponentOutput, error) {
	s.asked++
	state := types.CloudComponentStateInitiated
	if s.asked > s.looks {
		state = types.CloudComponentStateDeployable
	}
	return &greengrassv2.DescribeComponentOutput{Arn: aws.String("a"), Tags: s.tags, Status: &types.CloudComponentStatus{ComponentState: state}}, nil
}

func TestWaitsUntilDeployable(t *testing.T) {
	c := built(t)
	require.NoError(t, c.Fill("1.0.0", "parts"))
	var waited time.Duration
	var impatient error
	cloud := &slow{tags: map[string]string{"porchlight:digest": c.Digest()}, looks: 3}
	p := publish.Publisher{
		Greengrass: cloud, Region: "eu-central-1", Step: func(string, ...any) {},
		Pause: func(_ context.Context, d time.Duration) error { waited += d; return impatient },
	}
	done, err := p.Publish(t.Context(), publish.Account{Partition: "aws", ID: "1"}, c)
	require.NoError(t, err)
	require.Equal(t, publish.StateExists, done.State)
	require.Equal(t, 4, cloud.asked)
	require.Equal(t, 6*time.Second, waited)

	*cloud = slow{tags: cloud.tags, looks: 1 << 20}
	_, err = p.Publish(t.Context(), publish.Account{}, c)
	require.ErrorContains(t, err, "has not finished checking it after 2m0s: run the same command again")
	impatient = errors.New("stopped")
	_, err = p.Publish(t.Context(), publish.Account{}, c)
	require.ErrorIs(t, err, impatient)
}

func TestLinksAndFoldersInTheLibraries(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "camera")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "a.so.1.2"), []byte("a"), 0o644))
	require.NoError(t, os.Symlink("a.so.1.2", filepath.Join(dir, "lib", "a.so.1")))
	camera := func() error {
		_, err := publish.Camera(t.Context(), t.TempDir(), recipe.Both, publish.CameraSource{Arch: []string{runtime.GOARCH}, Binaries: dir})
		return err
	}
	require.NoError(t, camera())
	require.NoError(t, os.Symlink("gone", filepath.Join(dir, "lib", "b.so")))
	require.ErrorIs(t, camera(), publish.ErrArtifact)
}

// forbidding is a bucket that lets nobody in.
type forbidding struct{ publish.Objects }

func (forbidding) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return nil, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}}, Err: errors.New("forbidden"),
	}}
}

// nothing is a Greengrass without components.
type nothing struct{ publish.Greengrass }

func (nothing) DescribeComponent(context.Context, *greengrassv2.DescribeComponentInput, ...func(*greengrassv2.Options)) (*greengrassv2.DescribeComponentOutput, error) {
	return nil, &types.ResourceNotFoundException{}
}

func TestForbiddenBucketNamesThePermission(t *testing.T) {
	c := built(t)
	require.NoError(t, c.Fill("1.0.0", "parts"))
	p := publish.Publisher{Objects: forbidding{}, Greengrass: nothing{}, Step: func(string, ...any) {}}
	_, err := p.Publish(t.Context(), publish.Account{}, c)
	require.ErrorContains(t, err, "look for s3://parts/porchlight.Camera/1.0.0/camera-linux-"+runtime.GOARCH+".zip")
	require.ErrorContains(t, err, "publishing needs s3:ListBucket and s3:GetObject")
}
