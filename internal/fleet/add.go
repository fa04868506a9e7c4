package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/goccy/go-yaml"

	"porchlight/internal/event"
)

// Folder says where the files of a device go.
type Folder struct {
	Out string // folder, made if missing
	At  string // the same folder's path on the device; empty: Out
	CA  string // PEM file of the roots to trust; empty: Amazon's
}

// AddOptions of one device.
type AddOptions struct {
	Folder
	Thing   string
	Owner   string            // Cognito subject whose the thing becomes; empty: nobody's yet
	Cameras map[string]string // source by name
}

// Added is what a device was given.
type Added struct {
	Thing         string `json:"thing"`
	CertificateID string `json:"certificate_id"`
	Folder        string `json:"folder"`
	Config        string `json:"config"` // file
	New           bool   `json:"new"`    // the certificate was made now
}

// Add makes a thing with a certificate, and the files with which its device
// runs.
func (o *Operator) Add(ctx context.Context, opts AddOptions) (Added, error) {
	if err := CheckThing(opts.Thing); err != nil {
		return Added{}, err
	}
	f := opts.folder("certificate.pem", "private.key")
	if err := f.isFor(opts.Thing); err != nil {
		return Added{}, err
	}
	where, err := o.endpoints(ctx)
	if err != nil {
		return Added{}, err
	}
	if err := o.Store.ReserveThing(ctx, opts.Thing, "", opts.Owner); err != nil {
		return Added{}, err
	}
	if _, err := o.IoT.CreateThing(ctx, &iot.CreateThingInput{ThingName: aws.String(opts.Thing)}); err != nil {
		return Added{}, fmt.Errorf("create thing %s: %w", opts.Thing, err)
	}
	o.Step("thing %s", opts.Thing)
	if err := o.refuseSecond(ctx, f, opts.Thing); err != nil {
		return Added{}, err
	}
	c, made, err := o.ensureCertificate(ctx, f, opts.Thing)
	if err != nil {
		return Added{}, err
	}
	// Before the certificate can be used.
	if err := o.Store.RecordCertificate(ctx, c.id, opts.Thing); err != nil {
		return Added{}, err
	}
	if err := o.attachPolicy(ctx, c, OutputThingPolicy); err != nil {
		return Added{}, err
	}
	_, err = o.IoT.AttachThingPrincipal(ctx, &iot.AttachThingPrincipalInput{ThingName: aws.String(opts.Thing), Principal: aws.String(c.arn)})
	if err != nil {
		return Added{}, fmt.Errorf("attach certificate to thing %s: %w", opts.Thing, err)
	}
	if opts.Owner != "" {
		if err := o.Store.Claim(ctx, opts.Thing, opts.Owner); err != nil {
			return Added{}, err
		}
		o.Step("thing %s belongs to %s", opts.Thing, opts.Owner)
	}
	if err := o.writeDevice(f, opts, where); err != nil {
		return Added{}, err
	}
	return Added{Thing: opts.Thing, CertificateID: c.id, Folder: f.dir, Config: f.path(configFile), New: made}, nil
}

// refuseSecond keeps a thing that has a certificate from getting another one:
// two devices would throw each other out for ever.
func (o *Operator) refuseSecond(ctx context.Context, f folder, thing string) error {
	key, err := f.loadKey()
	if err != nil {
		return err
	}
	if text, err := f.loadCertificate(key); err != nil || text != "" {
		return err
	}
	out, err := o.IoT.ListThingPrincipals(ctx, &iot.ListThingPrincipalsInput{ThingName: aws.String(thing)})
	if err != nil {
		return fmt.Errorf("certificates of thing %s: %w", thing, err)
	}
	if len(out.Principals) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has %s: name its folder with --out, choose another name, or, if that device is gone, "+
		"aws iot detach-thing-principal --thing-name %s --principal %s",
		ErrHasCertificate, thing, strings.Join(out.Principals, ", "), thing, out.Principals[0])
}

func (o *Operator) writeDevice(f folder, opts AddOptions, where endpoints) error {
	roleAlias, err := o.Outputs.Get(OutputRoleAlias)
	if err != nil {
		return err
	}
	bucket, err := o.Outputs.Get(OutputBucket)
	if err != nil {
		return err
	}
	if err := f.writeCA(opts.CA); err != nil {
		return err
	}
	cloud := o.cloudSection()
	cloud = append(cloud, yaml.MapItem{Key: "thumbnail_bucket", Value: bucket})
	tree := yaml.MapSlice{
		{Key: "thing", Value: opts.Thing},
		{Key: "state_dir", Value: f.onDevice("state")},
		{Key: "iot", Value: yaml.MapSlice{
			{Key: "endpoint", Value: where.mqtt},
			{Key: "credentials_endpoint", Value: where.credentials},
			{Key: "role_alias", Value: roleAlias},
			{Key: "certificate", Value: f.onDevice(f.certificate)},
			{Key: "private_key", Value: f.onDevice(f.key)},
			{Key: "ca", Value: f.onDevice(caFile)},
		}},
		{Key: "cloud", Value: cloud},
	}
	return o.finish(f, append(tree, cameras(opts.Cameras)...))
}

func (o *Operator) finish(f folder, tree yaml.MapSlice) error {
	written, err := f.writeConfig(tree)
	if err != nil {
		return err
	}
	if written {
		o.Step("wrote %s", f.path(configFile))
	} else {
		o.Step("kept %s as it is", f.path(configFile))
	}
	return nil
}

func (o *Operator) cloudSection() yaml.MapSlice {
	cloud := yaml.MapSlice{{Key: "region", Value: o.Region}}
	if o.AWSEndpoint != "" {
		cloud = append(cloud, yaml.MapItem{Key: "endpoint", Value: o.AWSEndpoint})
	}
	return cloud
}

func cameras(sources map[string]string) yaml.MapSlice {
	if len(sources) == 0 {
		return nil
	}
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	var section yaml.MapSlice
	for _, name := range names {
		section = append(section, yaml.MapItem{Key: name, Value: yaml.MapSlice{{Key: "source", Value: sources[name]}}})
	}
	return yaml.MapSlice{{Key: "cameras", Value: section}}
}

func (f Folder) folder(certificate, key string) folder {
	at := f.At
	if at == "" {
		at = f.Out
	}
	return folder{dir: f.Out, at: at, certificate: certificate, key: key}
}

// claimPrefix begins the client ids of devices that are not things yet.
const claimPrefix = "claim-"

// CheckThing says why a name cannot be a thing's.
func CheckThing(name string) error {
	if err := event.ValidateThing(name); err != nil {
		return err
	}
	if strings.HasPrefix(name, claimPrefix) {
		return fmt.Errorf("thing %q: names that begin with %s are for devices that are not things yet", name, claimPrefix)
	}
	return nil
}
