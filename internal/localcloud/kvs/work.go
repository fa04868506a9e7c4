package kvs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"porchlight/internal/localcloud/awsapi"
	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/ingest"
	"porchlight/internal/localcloud/kvs/playback"
)

// workPage bounds how many fragments are looked at in one go.
const workPage = 100

// hasWork tells whether something is to be done with a fragment once it is
// stored. That it is to be done is stored with it: a crash does not lose it.
func (s *Service) hasWork(stream fragments.Stream, f fragments.Fragment) bool {
	return s.wantsImages(stream, f) || s.wantsNotice(stream, f)
}

func (s *Service) wantsImages(stream fragments.Stream, f fragments.Fragment) bool {
	return s.cfg.Objects != nil && stream.Images != nil && stream.Images.Status == "ENABLED" && f.HasTag(ingest.ImageTag)
}

func (s *Service) wantsNotice(stream fragments.Stream, f fragments.Fragment) bool {
	return s.cfg.Topics != nil && stream.Notification != nil && stream.Notification.Status == "ENABLED" && f.HasTag(ingest.NotificationTag)
}

// stored wakes the worker.
func (s *Service) stored(string, fragments.Fragment) {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// work does what is to be done with fragments, oldest first. What fails is
// logged and not tried again, as the real service does.
func (s *Service) work(ctx context.Context) {
	for ctx.Err() == nil {
		arns, numbers, err := s.store.Work(workPage)
		if err != nil {
			s.cfg.Logger.Error("images and notices of fragments are late", "err", err)
		}
		if len(arns) == 0 {
			return
		}
		for i, arn := range arns {
			err := s.workOn(ctx, arn, numbers[i])
			if ctx.Err() != nil {
				return // it stays to be done
			}
			if err != nil {
				s.cfg.Logger.Error("images or notice of a fragment are missing", "stream", arn, "fragment", numbers[i], "err", err)
			}
			if err := s.store.Done(arn, numbers[i]); err != nil {
				s.cfg.Logger.Error("a fragment's work cannot be marked as done", "err", err)
				return
			}
		}
	}
}

func (s *Service) workOn(ctx context.Context, arn, number string) error {
	stream, err := s.store.Stream(arn)
	if err != nil {
		return err
	}
	f, err := s.store.Get(arn, number)
	if err != nil {
		return err
	}
	var errs []error
	if s.wantsNotice(stream, f) { // which someone waits for
		errs = append(errs, s.notify(ctx, stream, f))
	}
	if s.wantsImages(stream, f) {
		errs = append(errs, s.images(ctx, stream, f))
	}
	return errors.Join(errs...)
}

// may asks whether the role that sent a fragment may do something.
func (s *Service) may(f fragments.Fragment, action, resource string) error {
	if f.By == "" || s.cfg.Access == nil {
		return nil
	}
	return s.cfg.Access(f.By, action, resource, f.Vars)
}

// images stores pictures of a fragment at the stream's sampling interval.
func (s *Service) images(ctx context.Context, stream fragments.Stream, f fragments.Fragment) error {
	c := stream.Images
	bucket, folder, _ := s3Destination(c.DestinationConfig.Uri)
	if folder != "" && folder[len(folder)-1] != '/' {
		folder += "/"
	}
	format := playback.PictureFormat{PNG: c.Format == "PNG", Width: c.WidthPixels, Height: c.HeightPixels}
	format.Quality, _ = strconv.Atoi(c.FormatConfig["JPEGQuality"]) // checked when it was configured
	var at []time.Duration
	for t := time.Duration(0); t < f.Length || t == 0; t += time.Duration(max(c.SamplingInterval, minSampling)) * time.Millisecond {
		at = append(at, t)
	}
	pictures, err := s.player.Pictures(ctx, stream.ARN, f, at, format)
	if err != nil {
		return err
	}
	prefix, metadata := describeImage(f)
	for i, picture := range pictures {
		shown := f.Start(fragments.Clock(c.ImageSelectorType)).Add(at[i])
		key := fmt.Sprintf("%s%s%s_%s_%d_%s.%s", folder, prefix, s.cfg.AccountID, stream.Name, shown.UnixMilli(), awsapi.NewRequestID(), format.Extension())
		resource := fmt.Sprintf("arn:%s:s3:::%s/%s", s.cfg.Partition, bucket, key)
		if err := s.may(f, "s3:PutObject", resource); err != nil {
			return err
		}
		if err := s.cfg.Objects.Put(ctx, bucket, key, format.ContentType(), metadata, picture); err != nil {
			return fmt.Errorf("image %s in bucket %s: %w", key, bucket, err)
		}
	}
	return nil
}

// describeImage returns what a fragment's image keys begin with, and their
// metadata: the fragment's times and number, and the tags that came with it.
func describeImage(f fragments.Fragment) (prefix string, metadata map[string]string) {
	metadata = map[string]string{}
	for _, t := range f.Tags {
		switch t.Name {
		case ingest.ImagePrefixTag:
			if t.Value != "" {
				prefix = t.Value + "_"
			}
		case ingest.ImageTag, ingest.NotificationTag:
		default:
			metadata[t.Name] = t.Value
		}
	}
	metadata["aws_kinesisvideo_fragment_number"] = f.Number
	metadata["aws_kinesisvideo_producer_timestamp"] = strconv.FormatInt(f.Producer.UnixMilli(), 10)
	metadata["aws_kinesisvideo_server_timestamp"] = strconv.FormatInt(f.Server.UnixMilli(), 10)
	return prefix, metadata
}

// notice is what a notification says.
type notice struct {
	StreamArn                      string
	FragmentNumber                 string
	FragmentStartProducerTimestamp int64 // milliseconds
	FragmentStartServerTimestamp   int64
	NotificationType               string
	NotificationPayload            map[string]string
}

func (s *Service) notify(ctx context.Context, stream fragments.Stream, f fragments.Fragment) error {
	n := notice{stream.ARN, f.Number, f.Producer.UnixMilli(), f.Server.UnixMilli(), "PERSISTED", map[string]string{}}
	for _, t := range f.Tags {
		if t.Name != ingest.NotificationTag && t.Name != ingest.ImageTag && t.Name != ingest.ImagePrefixTag {
			n.NotificationPayload[t.Name] = t.Value
		}
	}
	message, err := json.Marshal(n)
	if err != nil {
		return err
	}
	topic := stream.Notification.DestinationConfig.Uri
	if err := s.may(f, "sns:Publish", topic); err != nil {
		return err
	}
	if err := s.cfg.Topics.Notify(ctx, topic, "Kinesis Video Streams Notification", string(message)); err != nil {
		return fmt.Errorf("notice to %s: %w", topic, err)
	}
	return nil
}
