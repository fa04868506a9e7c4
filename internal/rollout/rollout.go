// Package rollout gives devices their updates: it puts files where devices
// can read them, creates the AWS IoT job and tells how it goes.
package rollout

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"porchlight/internal/edge/update"
	"porchlight/internal/event"
)

// Errors of a rollout.
var (
	ErrTooLarge = errors.New("the job does not fit a message to a device")
	ErrTarget   = errors.New("bad target")
	ErrFile     = errors.New("file cannot be sent")
)

// maxDocument is what a job document may have, in bytes: with what AWS IoT
// puts around it, it is to fit event.MaxPayload.
const maxDocument = event.MaxPayload - 500

// Jobs is what of AWS IoT is needed.
type Jobs interface {
	CreateJob(context.Context, *iot.CreateJobInput, ...func(*iot.Options)) (*iot.CreateJobOutput, error)
	DescribeJob(context.Context, *iot.DescribeJobInput, ...func(*iot.Options)) (*iot.DescribeJobOutput, error)
	ListJobExecutionsForJob(context.Context, *iot.ListJobExecutionsForJobInput, ...func(*iot.Options)) (*iot.ListJobExecutionsForJobOutput, error)
	DescribeJobExecution(context.Context, *iot.DescribeJobExecutionInput, ...func(*iot.Options)) (*iot.DescribeJobExecutionOutput, error)
}

// Objects is what of S3 is needed.
type Objects interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// File is one that devices will download.
type File struct {
	Name   string // the last part of its key
	Path   string // on this machine
	URL    string // where it is already; "": it has to be sent
	SHA256 string
	Size   int64
}

// NewFile reads a file of this machine.
func NewFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return File{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if n == 0 {
		return File{}, fmt.Errorf("%w: %s is empty", ErrFile, path)
	}
	return File{Name: filepath.Base(path), Path: path, SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}, nil
}

// Update is a job document and the files it speaks of. The addresses in the
// document are filled in by Place.
type Update struct {
	Document update.Document
	Files    []File
	places   []*string
}

// Place gives every file its address: its own, or that in a bucket.
func (u *Update) Place(bucket string) error {
	for i := range u.Files {
		f := &u.Files[i]
		if f.URL == "" {
			if bucket == "" {
				return fmt.Errorf("%w: nothing says where devices find %s: name a --bucket", ErrFile, f.Name)
			}
			f.URL = "s3://" + bucket + "/" + f.Key()
		}
		*u.places[i] = f.URL
	}
	return nil
}

// KeyPrefix is where in a bucket devices may read.
const KeyPrefix = "updates/"

// Key is where a file is in a bucket: the same file is there once.
func (f File) Key() string { return KeyPrefix + f.SHA256 + "/" + safeName(f.Name) }

func safeName(name string) string {
	return regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(name, "_")
}

// Finish signs the document, when there is a key, and returns its text. known
// are the label lists of devices.
func (u *Update) Finish(key ed25519.PrivateKey, known map[string][]string) ([]byte, error) {
	if err := u.Document.Validate(known); err != nil {
		return nil, err
	}
	if key != nil {
		if err := u.Document.Sign(key); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(u.Document)
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%w: it is %d bytes, the limit is %d: shorten addresses or label lists", ErrTooLarge, len(text), maxDocument)
	}
	return text, nil
}

// NewJobID is a job id that sorts by time.
func NewJobID(at time.Time) string { return "porchlight-update-" + event.NewID(at) }

// CheckTarget refuses what is neither NAME, thing/NAME nor thinggroup/NAME.
func CheckTarget(target string) error {
	if regexp.MustCompile(`^((thing|thinggroup)/)?[a-zA-Z0-9:_-]{1,128}$`).MatchString(target) {
		return nil
	}
	return fmt.Errorf("%w %q: name a thing, or thinggroup/NAME", ErrTarget, target)
}
