package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"porchlight/internal/modelstore"
	"porchlight/internal/publish"
	"porchlight/internal/publish/recipe"
	"porchlight/internal/version"
	"porchlight/models"
)

// PublishCmd makes Greengrass component versions.
type PublishCmd struct {
	Component     []string `enum:"camera,models" default:"camera,models" help:"Components to publish: camera, models."`
	Arch          []string `placeholder:"ARCH" help:"Architectures of the devices, amd64 and arm64 (default: that of this machine)."`
	Version       string   `placeholder:"X.Y.Z" help:"Version of the camera component (default: that of this program)."`
	ModelsVersion string   `placeholder:"X.Y.Z" default:"1.0.0" help:"Version of the models component (default: ${default})."`
	Bucket        string   `placeholder:"NAME" help:"S3 bucket of the artifacts, in the components' region and account."`
	Region        string   `placeholder:"NAME" help:"AWS region (default: that of the environment)."`
	Endpoint      string   `placeholder:"URL" help:"Address of all AWS services, for stand-ins (default: AWS itself)."`
	Nucleus       string   `enum:"both,java" default:"both" help:"Nucleus of the devices: both, or java alone, which can do more."`
	Binary        string   `type:"existingdir" placeholder:"DIR" help:"Folder with linux-ARCH/camera (default: built here, for this machine's architecture)."`
	Recipe        string   `type:"existingfile" placeholder:"FILE" help:"Recipe of the camera component, with the placeholders of recipes/camera/recipe.yaml (default: that one)."`
	Root          string   `type:"path" placeholder:"DIR" help:"Checkout to build in (default: the one this program is in)."`
	Model         []string `placeholder:"NAME" default:"yolox-nano" help:"Models that the models component holds (default: ${default})."`
	DeployTo      string   `placeholder:"TARGET" help:"Deploy to this thing, thing/NAME, thinggroup/NAME or ARN."`
	DryRun        bool     `help:"Print everything that would be done, and do nothing."`
	Out           string   `type:"path" placeholder:"DIR" help:"Write the folder that the Greengrass Development Kit expects of a build instead; the version may be NEXT_PATCH."`
	JSON          bool     `name:"json" help:"Print JSON Lines."`
	ModelDir
}

// Run publishes, or shows how.
func (c *PublishCmd) Run(ctx context.Context, streams *Streams) (err error) {
	if len(c.Arch) == 0 {
		c.Arch = []string{runtime.GOARCH}
	}
	if err := c.validate(); err != nil {
		return usageError{err}
	}
	work, err := os.MkdirTemp("", "porchlight-publish-")
	if err != nil {
		return fmt.Errorf("temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	components, err := c.prepare(ctx, streams, work)
	if err != nil {
		return err
	}
	switch {
	case c.Out != "":
		if err := components[0].WriteBuild(c.Out, c.version(c.Component[0])); err != nil {
			return err
		}
		fmt.Fprintf(streams.Stderr, "%s is ready for gdk component publish\n", c.Out)
		return nil
	case c.DryRun:
		return printPlan(streams.Stdout, c.JSON, components, publish.Calls(components, c.DeployTo))
	default:
		return c.publish(ctx, streams, components)
	}
}

func (c *PublishCmd) validate() error {
	for _, arch := range c.Arch {
		if arch != "amd64" && arch != "arm64" {
			return fmt.Errorf("there is no camera for the architecture %q: choose amd64 or arm64 with --arch", arch)
		}
	}
	if c.Out != "" {
		if len(c.Component) != 1 || c.DryRun || c.DeployTo != "" {
			return errors.New("--out builds one --component and does nothing else")
		}
		return nil
	}
	if c.Bucket == "" {
		return errors.New("no --bucket: name the S3 bucket of the artifacts")
	}
	for _, component := range c.Component {
		if v := c.version(component); !recipe.ValidVersion(v) {
			return fmt.Errorf("the %s component's version is %q: give one like 1.2.3 with --version or --models-version", component, v)
		}
	}
	if c.DeployTo != "" {
		return publish.CheckTarget(c.DeployTo)
	}
	return nil
}

// version is the version of a component.
func (c *PublishCmd) version(component string) string {
	switch {
	case component == "models" && (c.Out == "" || c.Version == ""):
		return c.ModelsVersion
	case c.Version == "":
		return strings.TrimPrefix(version.String(), "v")
	default:
		return c.Version
	}
}

// prepare makes the artifacts and the recipes. The models come first: the
// camera may depend on them.
func (c *PublishCmd) prepare(ctx context.Context, streams *Streams, work string) (list []*publish.Component, err error) {
	arch := slices.Compact(slices.Sorted(slices.Values(c.Arch)))
	add := func(kind string, component *publish.Component, err error) error {
		if err == nil && c.Out == "" {
			err = component.Fill(c.version(kind), c.Bucket)
		}
		list = append(list, component)
		return err
	}
	if slices.Contains(c.Component, "models") {
		component, err := c.models(streams, work, arch)
		if err := add("models", component, err); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.Component, "camera") {
		nucleus := map[string]recipe.Nucleus{"both": recipe.Both, "java": recipe.Java}[c.Nucleus]
		own, err := c.recipe()
		if err != nil {
			return nil, err
		}
		component, err := publish.Camera(ctx, work, nucleus, publish.CameraSource{
			Recipe: own, Arch: arch, Binaries: c.Binary, Build: c.builder(streams),
		})
		if err := add("camera", component, err); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// recipe reads the owner's own one, if there is one. One that is too large is
// refused by its size, not read in full.
func (c *PublishCmd) recipe() ([]byte, error) {
	if c.Recipe == "" {
		return nil, nil
	}
	file, err := os.Open(c.Recipe)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 4*recipe.MaxBytes))
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("recipe: %s is empty: begin with a copy of recipes/camera/recipe.yaml", c.Recipe)
	}
	return text, nil
}

func (c *PublishCmd) models(streams *Streams, work string, arch []string) (*publish.Component, error) {
	store, err := c.Store(streams)
	if err != nil {
		return nil, err
	}
	known, err := modelstore.ParseManifest(models.Manifest())
	if err != nil {
		return nil, err
	}
	return publish.Models(work, publish.ModelSource{Store: store, Known: known, Names: c.Model, Arch: arch})
}
