package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	cloud "porchlight/internal/cloud/gallery"
	"porchlight/internal/face/gallery"
)

// people is who is remembered, wherever that is kept.
type people interface {
	current(ctx context.Context) (*gallery.Gallery, error)
	// update adds to a person or adds one.
	update(ctx context.Context, change func(*gallery.Gallery) (*gallery.Gallery, error)) error
	remove(ctx context.Context, name string) error
	where() string // for messages
}

// GalleryChoice is the flags that say where faces are remembered: in a file, or
// as an owner's in the cloud.
type GalleryChoice struct {
	Gallery string `name:"gallery" env:"PORCHLIGHT_GALLERY" type:"path" placeholder:"FILE" help:"File of the remembered faces (default: ~/.local/share/porchlight/faces.json)."`
	Cloud   bool   `name:"cloud" help:"Work on what an owner's cameras are answered from in the cloud, instead of a file. AWS_ENDPOINT_URL and AWS credentials say which cloud."`
	Owner   string `name:"owner" placeholder:"SUB" help:"With --cloud: id of the owner's sign-in (\"porchlight user list\" shows those of this machine)."`
	Table   string `name:"table" env:"PORCHLIGHT_TABLE" placeholder:"NAME" help:"With --cloud: the platform's table (default: the only one whose name begins with porchlight)."`
}

func (g GalleryChoice) check() error {
	switch {
	case g.Cloud && g.Owner == "":
		return errors.New("--cloud: name the owner with --owner")
	case !g.Cloud && g.Owner != "":
		return errors.New("--owner: goes with --cloud")
	}
	return nil
}

// people returns the gallery that the flags describe.
func (g GalleryChoice) people(ctx context.Context) (people, error) {
	if g.Cloud {
		return g.inCloud(ctx)
	}
	if g.Gallery != "" {
		return peopleFile{gallery.At(g.Gallery)}, nil
	}
	path, err := gallery.DefaultPath()
	if err != nil {
		return nil, err
	}
	return peopleFile{gallery.At(path)}, nil
}

// peopleFile is a gallery on disk.
type peopleFile struct{ file *gallery.File }

func (f peopleFile) where() string { return f.file.Path() }

func (f peopleFile) current(context.Context) (*gallery.Gallery, error) { return f.file.Current() }

func (f peopleFile) update(_ context.Context, change func(*gallery.Gallery) (*gallery.Gallery, error)) error {
	return f.file.Update(change)
}

func (f peopleFile) remove(_ context.Context, name string) error {
	return f.file.Update(func(g *gallery.Gallery) (*gallery.Gallery, error) { return g.Without(name) })
}

// peopleTable is an owner's gallery in the platform's table.
type peopleTable struct {
	all          *cloud.Galleries
	owner, table string
}

func (g GalleryChoice) inCloud(ctx context.Context) (people, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	db := dynamodb.NewFromConfig(cfg)
	table := g.Table
	if table == "" {
		if table, err = platformTable(ctx, db); err != nil {
			return nil, err
		}
	}
	return peopleTable{cloud.New(cloud.Config{API: db, Table: table}), g.Owner, table}, nil
}

// platformTable finds the only table of a deployment of the platform.
func platformTable(ctx context.Context, db *dynamodb.Client) (string, error) {
	out, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return "", fmt.Errorf("look for the platform's table: %w: name it with --table", err)
	}
	var found []string
	for _, name := range out.TableNames {
		if strings.HasPrefix(strings.ToLower(name), "porchlight") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d tables have a name that begins with porchlight (%s): name one with --table", len(found), strings.Join(found, ", "))
	}
	return found[0], nil
}

func (p peopleTable) where() string { return fmt.Sprintf("table %s, owner %s", p.table, p.owner) }

func (p peopleTable) current(ctx context.Context) (*gallery.Gallery, error) {
	g, _, err := p.all.Gallery(ctx, p.owner, nil)
	return g, err
}

func (p peopleTable) update(ctx context.Context, change func(*gallery.Gallery) (*gallery.Gallery, error)) error {
	return p.all.Update(ctx, p.owner, change)
}

func (p peopleTable) remove(ctx context.Context, name string) error {
	return p.all.Remove(ctx, p.owner, name)
}
