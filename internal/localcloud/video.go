package localcloud

import (
	"context"
	"errors"
	"fmt"

	"porchlight/internal/localcloud/kvs"
	"porchlight/internal/localcloud/kvs/signaling"
	"porchlight/internal/localcloud/template"
)

// openVideo opens Kinesis Video Streams and its signaling channels. Its work on fragments begins once
// there is somewhere to put images and notices.
func (c *Cloud) openVideo(ctx context.Context) error {
	var err error
	c.signaling, err = signaling.Open(ctx, signaling.Config{
		Dir: c.dir("signaling"), Region: c.cfg.Region, AccountID: AccountID, Endpoint: c.AWSURL(), Relay: c.cfg.Listen.TURN, Logger: c.cfg.Log,
	})
	if err != nil {
		if errors.Is(err, signaling.ErrRelay) {
			err = fmt.Errorf("%w: stop what uses the port, or choose another with --turn", err)
		}
		return err
	}
	c.closing(c.signaling.Close)
	c.addresses.TURN = c.signaling.RelayAddress()
	err = decodeAll(c.stack, "AWS::KinesisVideo::SignalingChannel", func(r *template.Resource, p signaling.Properties) error {
		p.Name = r.Name
		return c.signaling.Provision(r.ARN, p)
	})
	if err != nil {
		return err
	}
	c.video, err = kvs.Open(kvs.Config{
		Dir: c.dir("kinesisvideo"), Region: c.cfg.Region, AccountID: AccountID, Endpoint: c.AWSURL(),
		Objects: videoSinks{c}, Topics: videoSinks{c}, Access: c.roles.allow, Logger: c.cfg.Log,
		Signaling: c.signaling,
	})
	if err != nil {
		return err
	}
	c.closing(c.video.Close)
	return decodeAll(c.stack, "AWS::KinesisVideo::Stream", func(r *template.Resource, p kvs.Properties) error {
		p.Name = r.Name
		return c.video.Provision(r.ARN, p)
	})
}

// videoSinks take what becomes of tagged fragments.
type videoSinks struct{ *Cloud }

// Put implements kvs.Objects.
func (v videoSinks) Put(ctx context.Context, bucket, key, contentType string, metadata map[string]string, body []byte) error {
	return v.base.S3.Put(ctx, bucket, key, contentType, metadata, body)
}

// Notify implements kvs.Topics.
func (v videoSinks) Notify(ctx context.Context, topicARN, subject, message string) error {
	return v.base.SNS.Notify(ctx, topicARN, subject, message)
}
