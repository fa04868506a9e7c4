package kvs

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

const maxRetentionHours = 87600 // ten years

// streamInfo is how the APIs describe a stream.
type streamInfo struct {
	StreamName, StreamARN string
	Status                string
	Version               string
	CreationTime          wire.Time
	DataRetentionInHours  int
	DeviceName            string `json:",omitempty"`
	MediaType             string `json:",omitempty"`
	KmsKeyId              string `json:",omitempty"` //nolint:revive // the name in the API
}

func info(s fragments.Stream) streamInfo {
	return streamInfo{s.Name, s.ARN, "ACTIVE", s.Version, wire.Time{Time: s.Created}, s.RetentionHours, s.DeviceName, s.MediaType, s.KMSKeyID}
}

type createRequest struct {
	StreamName, DeviceName, MediaType string
	KmsKeyId                          string //nolint:revive // the name in the API
	DataRetentionInHours              int
	Tags                              map[string]string
	StreamStorageConfiguration        *storage
}

type arnAnswer struct{ StreamARN string }

func (s *Service) createStream(_ *http.Request, in createRequest) (arnAnswer, error) {
	created := s.cfg.Now().UTC().Truncate(time.Millisecond)
	stream, err := in.stream()
	if err != nil {
		return arnAnswer{}, err
	}
	stream.Created, stream.ARN = created, s.arn(in.StreamName, strconv.FormatInt(created.UnixMilli(), 10))
	stream, err = s.store.Create(stream)
	return arnAnswer{stream.ARN}, err
}

// stream checks what a stream is to be like.
func (in createRequest) stream() (fragments.Stream, error) {
	stream := fragments.Stream{Name: in.StreamName, DeviceName: in.DeviceName, MediaType: in.MediaType, KMSKeyID: in.KmsKeyId,
		RetentionHours: in.DataRetentionInHours, StorageTier: "HOT", Tags: in.Tags}
	if stream.KMSKeyID == "" {
		stream.KMSKeyID = "aws/kinesisvideo" // what the real service says; nothing is encrypted here
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,256}$`).MatchString(in.StreamName) {
		return stream, wire.Invalid("the stream name %q must have 1 to 256 letters, digits, dots, dashes and underscores", in.StreamName)
	}
	if in.DataRetentionInHours < 0 || in.DataRetentionInHours > maxRetentionHours {
		return stream, wire.Invalid("DataRetentionInHours is %d: want 0 to %d", in.DataRetentionInHours, maxRetentionHours)
	}
	if in.StreamStorageConfiguration != nil {
		stream.StorageTier = in.StreamStorageConfiguration.DefaultStorageTier
		if err := in.StreamStorageConfiguration.check(); err != nil {
			return stream, err
		}
	}
	return stream, checkTags(stream.Tags)
}

type describeAnswer struct{ StreamInfo streamInfo }

func (s *Service) describeStream(_ *http.Request, in wire.StreamRef) (describeAnswer, error) {
	stream, err := in.Find(s.store)
	return describeAnswer{info(stream)}, err
}

type updateRequest struct {
	wire.StreamRef
	CurrentVersion        string
	DeviceName, MediaType *string
}

func (s *Service) updateStream(_ *http.Request, in updateRequest) (none, error) {
	if in.CurrentVersion == "" {
		return none{}, wire.Invalid("CurrentVersion is missing: describe the stream and send its version")
	}
	return s.change(in.StreamRef, in.CurrentVersion, func(stream *fragments.Stream) error {
		if in.DeviceName != nil {
			stream.DeviceName = *in.DeviceName
		}
		if in.MediaType != nil {
			stream.MediaType = *in.MediaType
		}
		return nil
	})
}

type deleteRequest struct{ StreamARN, CurrentVersion string }

func (s *Service) deleteStream(_ *http.Request, in deleteRequest) (none, error) {
	if in.StreamARN == "" {
		return none{}, wire.Invalid("StreamARN is missing")
	}
	return none{}, s.store.Delete(in.StreamARN, in.CurrentVersion)
}

type retentionRequest struct {
	wire.StreamRef
	CurrentVersion             string
	Operation                  string
	DataRetentionChangeInHours int
}

func (s *Service) updateDataRetention(_ *http.Request, in retentionRequest) (none, error) {
	change := in.DataRetentionChangeInHours
	switch {
	case in.CurrentVersion == "":
		return none{}, wire.Invalid("CurrentVersion is missing: describe the stream and send its version")
	case change < 1:
		return none{}, wire.Invalid("DataRetentionChangeInHours is %d: want 1 or more", change)
	case in.Operation == "DECREASE_DATA_RETENTION":
		change = -change
	case in.Operation != "INCREASE_DATA_RETENTION":
		return none{}, wire.Invalid("Operation is %q: want INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION", in.Operation)
	}
	return s.change(in.StreamRef, in.CurrentVersion, func(stream *fragments.Stream) error {
		hours := stream.RetentionHours + change
		if hours < 0 || hours > maxRetentionHours {
			return wire.Invalid("the stream would keep its data for %d hours: 0 to %d are possible", hours, maxRetentionHours)
		}
		stream.RetentionHours = hours
		return nil
	})
}

type listRequest struct {
	MaxResults          int
	NextToken           string
	StreamNameCondition *struct{ ComparisonOperator, ComparisonValue string }
}

type listAnswer struct {
	StreamInfoList []streamInfo
	NextToken      string `json:",omitempty"`
}

const (
	defaultStreams = 100
	maxStreams     = 10000
)

func (s *Service) listStreams(_ *http.Request, in listRequest) (listAnswer, error) {
	prefix := ""
	if c := in.StreamNameCondition; c != nil {
		if c.ComparisonOperator != "" && c.ComparisonOperator != "BEGINS_WITH" {
			return listAnswer{}, wire.Invalid("ComparisonOperator is %q: only BEGINS_WITH is known", c.ComparisonOperator)
		}
		prefix = c.ComparisonValue
	}
	if in.MaxResults == 0 {
		in.MaxResults = defaultStreams
	}
	if in.MaxResults < 1 || in.MaxResults > maxStreams {
		return listAnswer{}, wire.Invalid("MaxResults is %d: want 1 to %d", in.MaxResults, maxStreams)
	}
	streams, more, err := s.store.Streams(prefix, in.NextToken, in.MaxResults)
	out := listAnswer{StreamInfoList: []streamInfo{}}
	for _, stream := range streams {
		out.StreamInfoList = append(out.StreamInfoList, info(stream))
	}
	if more {
		out.NextToken = streams[len(streams)-1].Name
	}
	return out, err
}

// Properties is what is honored of AWS::KinesisVideo::Stream.
type Properties struct {
	Name, DeviceName, MediaType string
	KmsKeyId                    string //nolint:revive // the name in the template
	DataRetentionInHours        int
	StreamStorageConfiguration  *storage
	Tags                        []struct{ Key, Value string }
}

// Provision makes a stream of the template with the ARN it has there, or
// brings the one there is up to date. Call it before serving starts.
func (s *Service) Provision(arn string, p Properties) error {
	tags := map[string]string{}
	for _, t := range p.Tags {
		tags[t.Key] = t.Value
	}
	stream, err := createRequest{p.Name, p.DeviceName, p.MediaType, p.KmsKeyId, p.DataRetentionInHours, tags, p.StreamStorageConfiguration}.stream()
	if err != nil {
		return fmt.Errorf("stream %s: %w", p.Name, err)
	}
	stream.ARN, stream.Created = arn, s.cfg.Now().UTC().Truncate(time.Millisecond)
	if _, err = s.store.Create(stream); !errors.Is(err, fragments.ErrExists) {
		return err
	}
	_, err = s.store.Update(p.Name, "", func(old *fragments.Stream) error {
		stream.Version, stream.Created, stream.ARN = old.Version, old.Created, old.ARN
		stream.Images, stream.Notification = old.Images, old.Notification
		*old = stream
		return nil
	})
	return err
}
