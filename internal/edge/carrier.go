package edge

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"porchlight/internal/config"
	"porchlight/internal/iot"
)

// carrier is the link of one life.
type carrier struct {
	Link
	credentials aws.CredentialsProvider
	stats       func() iot.Stats                // nil: the session is the nucleus'
	disconnect  func(ctx context.Context) error // says goodbye to the broker; nil: the nucleus stays connected
	wait        func()                          // until nothing of the link runs any more; may be nil
}

// Disconnect ends the session in an orderly way.
func (c *carrier) Disconnect(ctx context.Context) error {
	if c.disconnect == nil {
		return nil
	}
	return c.disconnect(ctx)
}

// end ends the link and returns when nothing of it runs any more.
func (c *carrier) end(hangUp func()) {
	hangUp()
	if c.wait != nil {
		c.wait()
	}
}

// connect begins a session with IoT Core, of its own or through the nucleus.
// It lasts until ctx ends.
func (a *agent) connect(ctx context.Context, cfg *config.Config, board *statusBoard) (*carrier, error) {
	names := &sessions{file: filepath.Join(cfg.StateDir, "session"), log: a.Log}
	if a.Nucleus != nil {
		// The SDK finds the token exchange service of Greengrass by itself.
		loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(cfg.Cloud.Region))
		if err != nil {
			return nil, fmt.Errorf("AWS credentials: %w", err)
		}
		board.connected(ctx, names.next())
		return &carrier{Link: a.Nucleus, credentials: loaded.Credentials}, nil
	}
	if err := cfg.CheckIoT(); err != nil {
		return nil, err
	}
	identity, err := iot.LoadIdentity(cfg.IoT.Certificate, cfg.IoT.PrivateKey, cfg.IoT.CA)
	if err != nil {
		return nil, err
	}
	credentials, err := iot.Credentials(iot.CredentialsConfig{
		Endpoint: cfg.IoT.CredentialsEndpoint, RoleAlias: cfg.IoT.RoleAlias, Thing: cfg.Thing, TLS: identity,
	})
	if err != nil {
		return nil, err
	}
	client, err := iot.Connect(ctx, iot.ClientConfig{
		Endpoint: cfg.IoT.Endpoint, ClientID: cfg.Thing, TLS: identity, Log: a.Log,
		Will: board.will, OnConnect: board.connected, NewSession: names.next,
	})
	if err != nil {
		return nil, err
	}
	return &carrier{Link: client, credentials: credentials, stats: client.Stats, disconnect: client.Disconnect, wait: client.Wait}, nil
}
