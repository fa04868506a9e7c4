package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"porchlight/internal/modelstore"
	"porchlight/internal/rollout"
	"porchlight/models"
)

// UpdateCmd groups the verbs that update devices.
type UpdateCmd struct {
	Model    UpdateModelCmd    `cmd:"" help:"Give devices another detection model."`
	Software UpdateSoftwareCmd `cmd:"" help:"Give devices without Greengrass another version of the software."`
	Status   UpdateStatusCmd   `cmd:"" help:"Show how an update goes."`
}

// updateFlags are what all updates have in common.
type updateFlags struct {
	Thing   []string      `placeholder:"NAME" required:"" help:"Devices to update: things, or thinggroup/NAME."`
	Bucket  string        `placeholder:"NAME" help:"S3 bucket that the devices may read below updates/; the files are sent there."`
	Sign    string        `type:"existingfile" placeholder:"FILE" help:"Sign with this Ed25519 private key, a PEM file."`
	Timeout time.Duration `placeholder:"DURATION" help:"How long a device may take once it has begun, 1m to 168h (default: no limit)."`
	DryRun  bool          `help:"Print the job document, and do nothing."`
	JSON    bool          `name:"json" help:"Print JSON Lines."`
	AWSFlags
}

func (f *updateFlags) validate() error {
	for _, target := range f.Thing {
		if err := rollout.CheckTarget(target); err != nil {
			return usageError{err}
		}
	}
	if f.Timeout != 0 && (f.Timeout < time.Minute || f.Timeout > 168*time.Hour) {
		return usageError{fmt.Errorf("--timeout %v: want 1m to 168h", f.Timeout)}
	}
	return nil
}

// start finishes an update and gives it to the devices.
func (f *updateFlags) start(ctx context.Context, streams *Streams, u *rollout.Update, known map[string][]string, description string) error {
	key, err := readSigningKey(f.Sign)
	if err != nil {
		return err
	}
	if err := u.Place(f.Bucket); err != nil {
		return err
	}
	document, err := u.Finish(key, known)
	if err != nil {
		return err
	}
	if f.DryRun {
		fmt.Fprintln(streams.Stdout, string(document))
		return nil
	}
	client, err := f.rollout(ctx, streams)
	if err != nil {
		return err
	}
	if err := client.Send(ctx, f.Bucket, u.Files); err != nil {
		return err
	}
	id := rollout.NewJobID(time.Now())
	if err := client.Create(ctx, id, description, document, f.Thing, f.Timeout); err != nil {
		return err
	}
	if f.JSON {
		return json.NewEncoder(streams.Stdout).Encode(map[string]string{"job": id})
	}
	fmt.Fprintln(streams.Stdout, id)
	fmt.Fprintf(streams.Stderr, "see how it goes with: porchlight update status %s\n", id)
	return nil
}

var errSigningKey = errors.New("want an Ed25519 private key as PEM, like openssl genpkey -algorithm ed25519 makes")

func readSigningKey(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nobody signs
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: %w", path, errSigningKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, is := parsed.(ed25519.PrivateKey)
	if err != nil || !is {
		return nil, fmt.Errorf("%s: %w", path, errSigningKey)
	}
	return key, nil
}

// UpdateModelCmd is the verb update model.
type UpdateModelCmd struct {
	Probe      string  `type:"existingfile" placeholder:"PICTURE" help:"Picture, JPEG or PNG, in which the new model must see --probe-label, or it is not kept."`
	ProbeLabel string  `placeholder:"LABEL" default:"person" help:"What the new model must see in the probe (default: ${default})."`
	ProbeScore float64 `placeholder:"SCORE" default:"0.5" help:"Least score of it (default: ${default})."`
	ModelDir
	updateFlags
	Name string `arg:"" name:"model" help:"Installed model to give them; see porchlight models list."`
}

// Run starts the update. Without a bucket the devices fetch the files from
// where the manifest says they are.
func (c *UpdateModelCmd) Run(ctx context.Context, streams *Streams) error {
	if err := c.validate(); err != nil {
		return err
	}
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	builtIn, err := modelstore.ParseManifest(models.Manifest())
	if err != nil {
		return err
	}
	u, err := rollout.Model(store, c.Name, builtIn.Labels, c.Bucket == "")
	if err != nil {
		return err
	}
	if c.Probe != "" {
		if err := u.AddProbe(c.Probe, c.ProbeLabel, c.ProbeScore); err != nil {
			return err
		}
	}
	return c.start(ctx, streams, u, builtIn.Labels, "model "+c.Name)
}

// UpdateSoftwareCmd is the verb update software.
type UpdateSoftwareCmd struct {
	Version  string `placeholder:"X.Y.Z" required:"" help:"Version of the software."`
	Platform string `placeholder:"OS-ARCH" help:"Platform that it is for, like linux-arm64; others' devices reject it (default: any)."`
	URL      string `name:"url" placeholder:"URL" help:"https address where devices find FILE already (default: FILE is sent to --bucket)."`
	updateFlags
	File string `arg:"" type:"existingfile" help:"The program, or a tar.gz with one named camera at its top."`
}

// Run starts the update.
func (c *UpdateSoftwareCmd) Run(ctx context.Context, streams *Streams) error {
	if err := c.validate(); err != nil {
		return err
	}
	u, err := rollout.Software(c.File, c.Version, c.Platform, c.URL)
	if err != nil {
		return err
	}
	return c.start(ctx, streams, u, nil, "software "+c.Version)
}

// UpdateStatusCmd is the verb update status.
type UpdateStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines, one for each device."`
	AWSFlags
	Job string `arg:"" help:"Job that update model or update software printed."`
}

// Run prints how the job goes.
func (c *UpdateStatusCmd) Run(ctx context.Context, streams *Streams) error {
	client, err := c.rollout(ctx, streams)
	if err != nil {
		return err
	}
	p, err := client.Status(ctx, c.Job)
	if err != nil {
		return err
	}
	if c.JSON {
		lines := json.NewEncoder(streams.Stdout)
		for _, e := range p.Executions {
			if err := lines.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(streams.Stderr, "job %s: %s\n", p.Job, p.Status)
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "THING\tSTATUS\tSTEP\tPROGRESS\tREASON")
	for _, e := range p.Executions {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.Thing, e.Status, e.Details["step"], e.Details["progress"], e.Details["reason"])
	}
	return table.Flush()
}
