package fleet

import (
	"context"

	"github.com/goccy/go-yaml"
)

// ClaimOptions of a batch of devices.
type ClaimOptions struct {
	Folder
	Serial string // of the one device, or the file in which each device finds its own
}

// Claimed is what a batch was given.
type Claimed struct {
	CertificateID string `json:"certificate_id"`
	Template      string `json:"template"`
	Folder        string `json:"folder"`
	Config        string `json:"config"` // file
	New           bool   `json:"new"`    // the certificate was made now
}

// Claim makes a claim certificate, and the files with which any number of
// devices ask for identities of their own.
func (o *Operator) Claim(ctx context.Context, opts ClaimOptions) (Claimed, error) {
	f := opts.folder("claim.pem", "claim.key")
	template, err := o.Outputs.Get(OutputTemplate)
	if err != nil {
		return Claimed{}, err
	}
	mqtt, err := o.endpoint(ctx, "iot:Data-ATS", "8883")
	if err != nil {
		return Claimed{}, err
	}
	c, made, err := o.ensureCertificate(ctx, f, "claim of "+template)
	if err != nil {
		return Claimed{}, err
	}
	if err := o.attachPolicy(ctx, c, OutputClaimPolicy); err != nil {
		return Claimed{}, err
	}
	if err := f.writeCA(opts.CA); err != nil {
		return Claimed{}, err
	}
	tree := yaml.MapSlice{
		{Key: "state_dir", Value: f.onDevice("state")},
		{Key: "provisioning", Value: yaml.MapSlice{
			{Key: "template", Value: template},
			{Key: "claim_certificate", Value: f.onDevice(f.certificate)},
			{Key: "claim_key", Value: f.onDevice(f.key)},
			{Key: "serial", Value: opts.Serial},
		}},
		{Key: "iot", Value: yaml.MapSlice{
			{Key: "endpoint", Value: mqtt},
			{Key: "ca", Value: f.onDevice(caFile)},
		}},
	}
	if o.AWSEndpoint != "" { // the template knows everything else about the cloud
		tree = append(tree, yaml.MapItem{Key: "cloud", Value: yaml.MapSlice{{Key: "endpoint", Value: o.AWSEndpoint}}})
	}
	if err := o.finish(f, tree); err != nil {
		return Claimed{}, err
	}
	return Claimed{CertificateID: c.id, Template: template, Folder: f.dir, Config: f.path(configFile), New: made}, nil
}
