// Package onemachine runs all of Porchlight here: the local cloud, its owner,
// and one gateway with its cameras, which is the component as it runs
// elsewhere, in a process of its own.
package onemachine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"porchlight/internal/cloud/store"
	"porchlight/internal/iot/devicekey"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/iotcore"
	"porchlight/internal/modelstore"
)

// Installation says where the parts that were built are.
type Installation struct {
	Template    string // the committed CloudFormation template
	Lambdas     string // folder of <name>/bootstrap
	Camera      string // the component's program
	App         string // folder of the built web app
	NodeModules string // where dynalite is installed
	Porchlight  string // the command line, which looks at pictures for Rekognition
}

// InCheckout is the installation that `make build` leaves in a checkout.
func InCheckout(root string) Installation {
	return Installation{
		Template:    filepath.Join(root, "infra", "porchlight.template.json"),
		Lambdas:     filepath.Join(root, "bin", "lambdas"),
		Camera:      filepath.Join(root, "bin", "camera"),
		App:         filepath.Join(root, "web", "dist"),
		NodeModules: filepath.Join(root, "internal", "localcloud", "dynamo", "node", "node_modules"),
		Porchlight:  filepath.Join(root, "bin", "porchlight"),
	}
}

// check names the first part that is missing.
func (i Installation) check() error {
	for _, path := range []string{i.Template, i.Lambdas, i.Camera, filepath.Join(i.App, "index.html"), i.NodeModules} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w: build Porchlight first, with: make build", err)
		}
	}
	return nil
}

// Options of Run. All are required but Config and Cameras, one of which names
// the cameras; with neither, only the cloud runs.
type Options struct {
	Installation Installation
	Data         string // folder of everything that is kept
	Listen       localcloud.Addresses
	Thing        string            // the gateway that runs here
	MoreThings   []string          // get a certificate and the owner, for devices that run elsewhere
	Owner        string            // e-mail of the first owner
	Config       string            // file with detector, spool and cameras; may be empty
	Cameras      map[string]string // source by name
	Models       string            // folder of model files; empty: the default one
	Log          *slog.Logger
	Stdout       io.Writer                     // one line per state of each event
	JSON         bool                          // the lines are JSON
	Step         func(format string, a ...any) // told what is being done
	Ready        func(Ready)                   // called once everything serves
}

// Ready says where everything is.
type Ready struct {
	App       string               `json:"app"`       // URL
	AWS       string               `json:"aws"`       // AWS_ENDPOINT_URL
	Issuer    string               `json:"issuer"`    // of the sign-in
	ClientID  string               `json:"client_id"` // of the app at the sign-in
	Owner     string               `json:"owner"`     // e-mail
	Password  string               `json:"password_file"`
	Addresses localcloud.Addresses `json:"addresses"`
}

// Run starts everything and runs until ctx ends, then stops it: first the
// cameras, then the cloud.
func Run(ctx context.Context, o Options) (err error) {
	if err := o.Installation.check(); err != nil {
		return err
	}
	templateText, err := os.ReadFile(o.Installation.Template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	unlock, err := lock(o.Data)
	if err != nil {
		return err
	}
	defer unlock()

	models := o.Models
	if models == "" {
		models, _ = modelstore.DefaultDir() // without a home the function that wants models says so
	}
	cloud, err := localcloud.Open(context.WithoutCancel(ctx), localcloud.Config{
		Dir: o.Data, Template: templateText, Lambdas: o.Installation.Lambdas, NodeModules: o.Installation.NodeModules,
		App: os.DirFS(o.Installation.App), Models: models, Detector: localcloud.Detector{Program: o.Installation.Porchlight},
		Listen: o.Listen, Log: o.Log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	o.Step("local cloud: %d resources from %s", cloud.Resources(), o.Installation.Template)

	owner, err := ensureOwner(cloud, o.Data, o.Owner)
	if err != nil {
		return err
	}
	files, err := addThing(ctx, cloud, o.Thing, owner.Sub)
	if err != nil {
		return err
	}
	if err := writeOperator(cloud, o.Data, files.CA); err != nil {
		return err
	}
	for _, thing := range o.MoreThings {
		more, err := addThing(ctx, cloud, thing, owner.Sub)
		if err != nil {
			return err
		}
		o.Step("thing    %s  certificate in %s", thing, filepath.Dir(more.Certificate))
	}
	configFile, cameras, err := writeConfig(cloud, o, files)
	if err != nil {
		return err
	}
	o.Step("app      %s", cloud.AppURL())
	o.Step("sign in  %s  password in %s", owner.Email, passwordFile(o.Data))
	o.Ready(Ready{
		App: cloud.AppURL(), AWS: cloud.AWSURL(), Issuer: cloud.Issuer(), ClientID: cloud.ClientID(),
		Owner: owner.Email, Password: passwordFile(o.Data), Addresses: cloud.Addresses(),
	})
	if cameras == 0 {
		o.Step("no camera: name one with --camera SOURCE")
		<-ctx.Done()
		return nil
	}
	args := []string{"-config", configFile, "-log", "json"}
	if o.JSON {
		args = append(args, "-json")
	}
	runComponent(ctx, o.Installation.Camera, args, o.Stdout, o.Log)
	return nil
}

func addThing(ctx context.Context, cloud *localcloud.Cloud, thing, owner string) (iotcore.Files, error) {
	files, err := cloud.RegisterThing(thing)
	if err != nil {
		return files, err
	}
	certificate, err := os.ReadFile(files.Certificate)
	if err != nil {
		return files, err
	}
	id, err := devicekey.CertificateID(string(certificate))
	if err != nil {
		return files, fmt.Errorf("%s: %w", files.Certificate, err)
	}
	table, err := openTable(cloud)
	if err != nil {
		return files, err
	}
	// As porchlight camera add does: no device that is provisioned can take
	// its name, and its certificate tells its name.
	if err := table.ReserveThing(ctx, thing, "", owner); err != nil {
		return files, fmt.Errorf("thing %s: %w: choose another name with --thing", thing, err)
	}
	if err := table.RecordCertificate(ctx, id, thing); err != nil {
		return files, err
	}
	return files, Claim(ctx, cloud, thing, owner)
}

// Claim makes somebody the thing's owner, once; doing it again for the same
// owner changes nothing.
func Claim(ctx context.Context, cloud *localcloud.Cloud, thing, sub string) error {
	table, err := openTable(cloud)
	if err != nil {
		return err
	}
	err = table.Claim(ctx, thing, sub)
	if errors.Is(err, store.ErrClaimed) {
		return fmt.Errorf("thing %s: %w: choose another name with --thing, or sign in as its owner", thing, err)
	}
	return err
}

func openTable(cloud *localcloud.Cloud) (*store.Store, error) {
	table, err := cloud.Output("TableName")
	if err != nil {
		return nil, err
	}
	admin := cloud.Admin()
	db := dynamodb.New(dynamodb.Options{
		Region: cloud.Region(), BaseEndpoint: aws.String(cloud.AWSURL()),
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
	})
	return store.New(store.Config{API: db, Table: table}), nil
}
