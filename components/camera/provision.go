package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"porchlight/internal/config"
	"porchlight/internal/iot/provision"
)

// provisioner completes the configuration of a device that gets its identity
// from a provisioning template, waiting for it if need be. Others come back as
// they are.
func provisioner(log *slog.Logger) func(context.Context, *config.Config) (*config.Config, error) {
	return func(ctx context.Context, cfg *config.Config) (*config.Config, error) {
		p := cfg.Provisioning
		if !p.Wanted() {
			return cfg, nil
		}
		id, err := provision.Ensure(ctx, provision.Config{
			Dir: filepath.Join(cfg.StateDir, "identity"), Endpoint: cfg.IoT.Endpoint, CA: cfg.IoT.CA, Template: p.Template,
			ClaimCertificate: p.ClaimCertificate, ClaimKey: p.ClaimKey, Serial: p.Serial, Parameters: p.More(), Log: log,
		})
		if err != nil {
			return nil, err
		}
		return cfg.Provisioned(id.Thing, id.Certificate, id.PrivateKey, id.DeviceConfiguration)
	}
}
