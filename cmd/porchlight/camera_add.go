package main

import (
	"context"

	"porchlight/internal/fleet"
)

// CameraAddCmd is the verb camera add.
type CameraAddCmd struct {
	FolderFlags
	Owner     string   `placeholder:"SUB" help:"Owner whose the camera becomes, as the sign-in names them: the sub of the account."`
	Camera    []string `name:"camera" sep:"none" placeholder:"[NAME=]SOURCE" help:"What the device watches. May be repeated."`
	Policy    string   `placeholder:"NAME" help:"IoT policy of things."`
	RoleAlias string   `placeholder:"NAME" help:"IoT role alias of devices."`
	Bucket    string   `placeholder:"NAME" help:"S3 bucket of thumbnails."`
	StackFlags
	Name string `arg:"" help:"Name of the thing."`
}

// FolderFlags say where a device's files go.
type FolderFlags struct {
	Out string `required:"" type:"path" placeholder:"DIR" help:"Folder for the device's files, made if missing. The same one again changes nothing that is there."`
	At  string `placeholder:"DIR" help:"Path of that folder on the device (default: the same)."`
	CA  string `name:"ca" type:"path" env:"PORCHLIGHT_CA" placeholder:"FILE" help:"PEM file of the roots that the device trusts (default: Amazon's)."`
}

func (f FolderFlags) folder() fleet.Folder { return fleet.Folder{Out: f.Out, At: f.At, CA: f.CA} }

// Validate is called by kong; its errors are wrong usage.
func (c *CameraAddCmd) Validate() error { return fleet.CheckThing(c.Name) }

// Run gives one device its identity and its files.
func (c *CameraAddCmd) Run(ctx context.Context, streams *Streams) error {
	cameras, err := parseCameras(c.Camera)
	if err != nil {
		return usageError{err}
	}
	d, err := c.open(ctx, fleet.Outputs{
		fleet.OutputThingPolicy: c.Policy, fleet.OutputRoleAlias: c.RoleAlias, fleet.OutputBucket: c.Bucket, fleet.OutputTable: c.Table,
	}, fleet.OutputThingPolicy, fleet.OutputRoleAlias, fleet.OutputBucket, fleet.OutputTable)
	if err != nil {
		return err
	}
	added, err := d.operator(streams).Add(ctx, fleet.AddOptions{Folder: c.folder(), Thing: c.Name, Owner: c.Owner, Cameras: cameras})
	if err != nil {
		return err
	}
	return c.print(streams, added, "%s is ready: copy %s to the device and run camera -config %s there", added.Thing, added.Folder, configOn(c.FolderFlags))
}

func configOn(f FolderFlags) string {
	if f.At != "" {
		return f.At + "/porchlight.yaml"
	}
	return f.Out + "/porchlight.yaml"
}

// CameraClaimCmd is the verb camera claim.
type CameraClaimCmd struct {
	FolderFlags
	Serial   string `default:"/proc/device-tree/serial-number" placeholder:"SERIAL" help:"Serial of the one device, or the file in which each of many finds its own (default: ${default})."`
	Policy   string `placeholder:"NAME" help:"IoT policy of claims."`
	Template string `placeholder:"NAME" help:"IoT provisioning template."`
	StackFlags
}

// Run makes a claim certificate and the files of a batch of devices.
func (c *CameraClaimCmd) Run(ctx context.Context, streams *Streams) error {
	d, err := c.open(ctx, fleet.Outputs{fleet.OutputClaimPolicy: c.Policy, fleet.OutputTemplate: c.Template}, fleet.OutputClaimPolicy, fleet.OutputTemplate)
	if err != nil {
		return err
	}
	claimed, err := d.operator(streams).Claim(ctx, fleet.ClaimOptions{Folder: c.folder(), Serial: c.Serial})
	if err != nil {
		return err
	}
	return c.print(streams, claimed, "%s is ready: copy it to each device, allow their serials with porchlight camera allow, and run camera -config %s there",
		claimed.Folder, configOn(c.FolderFlags))
}
