package localcloud_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud"
	local "porchlight/internal/localcloud/rekognition"
	"porchlight/internal/localcloud/sts"
	"porchlight/internal/localcloud/template"
)

// detector is a program that sees a person in the right half of everything.
func detector(t *testing.T) local.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "porchlight")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+
		`echo '{"file":"a","frame":0,"width":80,"height":60,"label":"person","score":0.75,"box":[40,0,80,60]}'`+"\n"), 0o700))
	return local.Config{Program: path}
}

func photo(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 80, 60)), nil))
	return out.Bytes()
}

// told returns what the queue was told.
func (w *world) told(t *testing.T) (out []events.S3EventRecord) {
	t.Helper()
	queue := w.id(t, "Pictures")
	got, err := sqs.NewFromConfig(w.admin()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10})
	require.NoError(t, err)
	for _, m := range got.Messages {
		var in events.S3Event
		require.NoError(t, json.Unmarshal([]byte(*m.Body), &in))
		out = append(out, in.Records...)
	}
	return out
}

func TestBucketTellsItsQueue(t *testing.T) {
	w := start(t, t.TempDir(), grants{"s3:PutObject arn:aws:s3:::*"})
	device, err := w.sts.Issue(deviceRole, "c0ffee", nil, time.Hour)
	require.NoError(t, err)
	bucket, key := w.id(t, "Told"), "thumbnails/porch/porch.door/a b+c(1)~é.jpg"
	for _, k := range []string{key, "thumbnails/a.png", "updates/a.jpg"} {
		_, err = s3Client(w.config(device)).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &k, Body: strings.NewReader("jpeg")})
		require.NoError(t, err)
	}
	records := w.told(t)
	require.Len(t, records, 1)
	require.Equal(t, bucket, records[0].S3.Bucket.Name)
	require.Equal(t, key, records[0].S3.Object.URLDecodedKey)
	require.Equal(t, "AWS:AROADEVICE:c0ffee", records[0].PrincipalID.PrincipalID)
	require.Equal(t, "127.0.0.1", records[0].RequestParameters.SourceIPAddress)
	require.EqualValues(t, 4, records[0].S3.Object.Size)
	head, err := s3Client(w.admin()).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(t, err)
	require.Equal(t, `"`+records[0].S3.Object.ETag+`"`, *head.ETag)
}

// AWS makes no bucket whose queue does not let S3 in.
func TestQueueMustLetTheBucketIn(t *testing.T) {
	raw, err := os.ReadFile("testdata/core.template.json")
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"no such queue":   {`{"Fn::GetAtt": ["Pictures", "Arn"]},`, `"arn:aws:sqs:us-east-1:000000000000:none",`},
		"another service": {"s3.amazonaws.com", "sns.amazonaws.com"},
		"another account": {`{"Ref": "AWS::AccountId"}`, `"111111111111"`},
		"another queue":   {`"Queues": [{"Ref": "Pictures"}]`, `"Queues": [{"Ref": "Copy"}]`},
		"denied":          {`"Effect": "Allow"`, `"Effect": "Deny"`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(raw), change[0], change[1], 1)
			require.NotEqual(t, string(raw), changed)
			stack, err := template.Load(template.Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight"}, []byte(changed))
			require.NoError(t, err)
			dir := t.TempDir()
			keys, err := sts.Open(sts.Config{Dir: dir + "/sts", AccountID: "000000000000"})
			require.NoError(t, err)
			_, err = localcloud.OpenCore(localcloud.CoreConfig{Dir: dir, Stack: stack, STS: keys, Authorizer: grants{}, Lambda: &recorder{}, Logger: slog.New(slog.DiscardHandler)})
			require.ErrorIs(t, err, localcloud.ErrNotification)
		})
	}
}

func TestLabelsThroughTheSDK(t *testing.T) {
	w := startOn(t, t.TempDir(), grants{"rekognition:DetectLabels *", "s3:GetObject arn:aws:s3:::*"}, nil, detector(t))
	bucket, key := w.id(t, "Thumbs"), "a.jpg"
	_, err := s3Client(w.admin()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(photo(t))})
	require.NoError(t, err)
	session, err := w.sts.Issue(deviceRole, "lambda", nil, time.Hour)
	require.NoError(t, err)
	for name, image := range map[string]types.Image{
		"object": {S3Object: &types.S3Object{Bucket: &bucket, Name: &key}}, "bytes": {Bytes: photo(t)},
	} {
		out, err := rekognition.NewFromConfig(w.config(session)).DetectLabels(t.Context(), &rekognition.DetectLabelsInput{Image: &image, MaxLabels: aws.Int32(5)})
		require.NoError(t, err, name)
		require.Len(t, out.Labels, 1)
		require.Equal(t, "Person", *out.Labels[0].Name)
		require.InDelta(t, 75, *out.Labels[0].Confidence, 1e-4)
		require.Equal(t, types.BoundingBox{Left: aws.Float32(0.5), Top: aws.Float32(0), Width: aws.Float32(0.5), Height: aws.Float32(1)}, *out.Labels[0].Instances[0].BoundingBox)
		require.NotEmpty(t, *out.LabelModelVersion)
	}
	_, err = rekognition.NewFromConfig(w.config(session)).DetectLabels(t.Context(), &rekognition.DetectLabelsInput{Image: &types.Image{Bytes: []byte("x")}})
	var format *types.InvalidImageFormatException
	require.ErrorAs(t, err, &format)

	w = startOn(t, t.TempDir(), grants{"rekognition:DetectLabels *"}, nil, detector(t))
	session, err = w.sts.Issue(deviceRole, "lambda", nil, time.Hour)
	require.NoError(t, err)
	_, err = rekognition.NewFromConfig(w.config(session)).DetectLabels(t.Context(), &rekognition.DetectLabelsInput{
		Image: &types.Image{S3Object: &types.S3Object{Bucket: &bucket, Name: &key}}})
	var object *types.InvalidS3ObjectException
	require.ErrorAs(t, err, &object, "it may ask, but not read")

	w = startOn(t, t.TempDir(), nil, nil, detector(t))
	session, err = w.sts.Issue(deviceRole, "lambda", nil, time.Hour)
	require.NoError(t, err)
	_, err = rekognition.NewFromConfig(w.config(session)).DetectLabels(t.Context(), &rekognition.DetectLabelsInput{Image: &types.Image{Bytes: photo(t)}})
	var denied *types.AccessDeniedException
	require.ErrorAs(t, err, &denied)
}

func TestAWSCLIPictures(t *testing.T) {
	t.Parallel()
	w := startOn(t, t.TempDir(), nil, nil, detector(t))
	cli := newCLI(t, w, w.sts.Admin())
	file := filepath.Join(t.TempDir(), "a.jpg")
	require.NoError(t, os.WriteFile(file, photo(t), 0o600))
	bucket := w.id(t, "Told")
	cli.ok(t, "s3", "cp", file, "s3://"+bucket+"/thumbnails/porch/a b.jpg")
	records := w.told(t)
	require.Len(t, records, 1)
	require.Equal(t, "thumbnails/porch/a+b.jpg", records[0].S3.Object.Key)

	seen := cli.ok(t, "rekognition", "detect-labels", "--image", `{"S3Object":{"Bucket":"`+bucket+`","Name":"thumbnails/porch/a b.jpg"}}`,
		"--query", "Labels[].[Name, Confidence, Instances[0].BoundingBox.Left]")
	require.Regexp(t, `^Person\t75(\.0)?\t0\.5$`, seen)
	require.Equal(t, seen, cli.ok(t, "rekognition", "detect-labels", "--image-bytes", "fileb://"+file,
		"--query", "Labels[].[Name, Confidence, Instances[0].BoundingBox.Left]"))
	out, err := cli.run(t, "rekognition", "detect-labels", "--image", `{"S3Object":{"Bucket":"`+bucket+`","Name":"nope"}}`)
	require.Error(t, err)
	require.Contains(t, out, "InvalidS3ObjectException")
}
