package rollout

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/iot/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Client takes updates to AWS. All fields are required.
type Client struct {
	Jobs      Jobs
	Objects   Objects
	Partition string // of AWS, like aws
	Account   string // 12 digits
	Region    string
	Step      func(format string, a ...any) // hears of progress
}

// digestKey is the metadata of an object that holds its SHA-256.
const digestKey = "sha256"

// Send puts the files that are not anywhere yet into a bucket.
func (c *Client) Send(ctx context.Context, bucket string, files []File) error {
	for _, f := range files {
		key := f.Key()
		if f.URL != "s3://"+bucket+"/"+key {
			continue
		}
		head, err := c.Objects.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		var refused *awshttp.ResponseError
		switch {
		case err == nil && head.Metadata[digestKey] == f.SHA256 && aws.ToInt64(head.ContentLength) == f.Size:
			c.Step("s3://%s/%s is there", bucket, key)
			continue
		case err != nil && (!errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusNotFound):
			return fmt.Errorf("look for s3://%s/%s: %w: an update needs s3:ListBucket and s3:GetObject", bucket, key, err)
		}
		if err := c.send(ctx, bucket, key, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) send(ctx context.Context, bucket, key string, f File) error {
	file, err := os.Open(f.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	defer file.Close()
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFile, f.Name, err)
	}
	c.Step("sending %s, %.1f MB, to s3://%s/%s", f.Name, float64(f.Size)/1e6, bucket, key)
	_, err = c.Objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: file, ContentLength: &f.Size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)), // S3 refuses other bytes
		Metadata:       map[string]string{digestKey: f.SHA256},
	})
	if err != nil {
		return fmt.Errorf("send s3://%s/%s: %w: the bucket must exist, and an update needs s3:PutObject", bucket, key, err)
	}
	return nil
}

// Create makes the job. timeout, when not 0, is how long a device may take
// once it has begun, in whole minutes.
func (c *Client) Create(ctx context.Context, id, description string, document []byte, targets []string, timeout time.Duration) error {
	in := &iot.CreateJobInput{JobId: &id, Document: aws.String(string(document)), Description: &description}
	for _, target := range targets {
		if err := CheckTarget(target); err != nil {
			return err
		}
		if !strings.Contains(target, "/") {
			target = "thing/" + target
		}
		in.Targets = append(in.Targets, arn.ARN{
			Partition: c.Partition, Service: "iot", Region: c.Region, AccountID: c.Account, Resource: target,
		}.String())
	}
	if timeout > 0 {
		in.TimeoutConfig = &types.TimeoutConfig{InProgressTimeoutInMinutes: aws.Int64(int64(timeout / time.Minute))}
	}
	if _, err := c.Jobs.CreateJob(ctx, in); err != nil {
		return fmt.Errorf("create the job: %w: the things must exist, and an update needs iot:CreateJob", err)
	}
	return nil
}

// Execution is how a job goes at one thing.
type Execution struct {
	Thing   string            `json:"thing"`
	Status  string            `json:"status"`
	Details map[string]string `json:"details,omitempty"`
}

// Progress is how a job goes.
type Progress struct {
	Job        string      `json:"job"`
	Status     string      `json:"status"`
	Executions []Execution `json:"executions"`
}

// mostExecutions are told of one job.
const mostExecutions = 1000

// Status asks how a job goes.
func (c *Client) Status(ctx context.Context, id string) (Progress, error) {
	job, err := c.Jobs.DescribeJob(ctx, &iot.DescribeJobInput{JobId: &id})
	if err != nil {
		return Progress{}, fmt.Errorf("job %s: %w: this needs iot:DescribeJob", id, err)
	}
	p := Progress{Job: id, Status: string(job.Job.Status), Executions: []Execution{}}
	pages := iot.NewListJobExecutionsForJobPaginator(c.Jobs, &iot.ListJobExecutionsForJobInput{JobId: &id})
	for pages.HasMorePages() && len(p.Executions) < mostExecutions {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Progress{}, fmt.Errorf("job %s: %w: this needs iot:ListJobExecutionsForJob", id, err)
		}
		for _, one := range page.ExecutionSummaries {
			name := thingName(aws.ToString(one.ThingArn))
			found, err := c.Jobs.DescribeJobExecution(ctx, &iot.DescribeJobExecutionInput{JobId: &id, ThingName: &name})
			if err != nil {
				return Progress{}, fmt.Errorf("job %s at %s: %w: this needs iot:DescribeJobExecution", id, name, err)
			}
			e := Execution{Thing: name, Status: string(found.Execution.Status)}
			if found.Execution.StatusDetails != nil {
				e.Details = found.Execution.StatusDetails.DetailsMap
			}
			p.Executions = append(p.Executions, e)
		}
	}
	slices.SortFunc(p.Executions, func(a, b Execution) int { return strings.Compare(a.Thing, b.Thing) })
	return p, nil
}

func thingName(text string) string {
	_, name, _ := strings.Cut(text, ":thing/")
	return name
}
