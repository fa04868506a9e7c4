package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	cloud "porchlight/internal/cloud/gallery"
	"porchlight/internal/face/gallery"
)

// Recognition is the flags about what tells faces apart.
type Recognition struct {
	Model     string `default:"mtcnn" placeholder:"NAME" help:"Model to find faces with: mtcnn finds the most, yunet is faster (default: ${default})."`
	Embedding string `placeholder:"NAME" help:"Model to tell faces apart with (default: the gallery's, or the first one installed)."`
	GalleryChoice
	ModelDir
}

// FacesEnrollCmd is the verb faces enroll.
type FacesEnrollCmd struct {
	JSON bool `name:"json" help:"Print a JSON line for each picture that was used."`
	Recognition
	Name  string   `arg:"" help:"Name of the person, as events will say it."`
	Files []string `arg:"" name:"file" help:"Pictures (JPEG, PNG) of the person alone; three different ones are good."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *FacesEnrollCmd) Validate() error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Cloud {
		return cloud.CheckName(c.Name)
	}
	return gallery.CheckName(c.Name)
}

// FacesIdentifyCmd is the verb faces identify.
type FacesIdentifyCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines, boxes in pixels."`
	Recognition
	MinFace     int      `default:"40" placeholder:"PX" help:"Leave out smaller faces (default: ${default} pixels)."`
	MaxDistance float64  `placeholder:"D" help:"Call nobody by name who is further away, as a cosine distance of 0 to 2 (default: the model's own)."`
	Files       []string `arg:"" name:"file" help:"Pictures (JPEG, PNG) or videos."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *FacesIdentifyCmd) Validate() error {
	if !(c.MaxDistance >= 0 && c.MaxDistance <= 2) {
		return fmt.Errorf("--max-distance %v: want 0 to 2", c.MaxDistance)
	}
	if c.MinFace < 1 {
		return fmt.Errorf("--min-face %d: want a number of pixels", c.MinFace)
	}
	return c.check()
}

// FacesListCmd is the verb faces list.
type FacesListCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines."`
	GalleryChoice
}

// Validate is called by kong; its errors are wrong usage.
func (c *FacesListCmd) Validate() error { return c.check() }

// FacesRemoveCmd is the verb faces remove.
type FacesRemoveCmd struct {
	GalleryChoice
	Name string `arg:"" help:"Name of the person."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *FacesRemoveCmd) Validate() error { return c.check() }

// personLine is one remembered person as JSON.
type personLine struct {
	Name     string    `json:"name"`
	Pictures int       `json:"pictures"` // enrolled from
	Enrolled time.Time `json:"enrolled_at"`
	Model    string    `json:"model"`
}

// Run lists who is remembered.
func (c *FacesListCmd) Run(ctx context.Context, streams *Streams) error {
	people, err := c.people(ctx)
	if err != nil {
		return err
	}
	g, err := people.current(ctx)
	if err != nil {
		return err
	}
	m, _ := g.Model()
	if c.JSON {
		enc := json.NewEncoder(streams.Stdout)
		for _, p := range g.Persons() {
			if err := enc.Encode(personLine{Name: p.Name, Pictures: len(p.Pictures), Enrolled: p.Enrolled, Model: m.Name}); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
		return nil
	}
	fmt.Fprintln(streams.Stderr, "faces in", people.where())
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPICTURES\tSINCE\tMODEL")
	for _, p := range g.Persons() {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", p.Name, len(p.Pictures), p.Enrolled.Local().Format(time.DateOnly), m.Name)
	}
	return table.Flush()
}

// Run forgets the person.
func (c *FacesRemoveCmd) Run(ctx context.Context, streams *Streams) error {
	people, err := c.people(ctx)
	if err != nil {
		return err
	}
	if err := people.remove(ctx, c.Name); err != nil {
		return err
	}
	fmt.Fprintf(streams.Stderr, "%s is forgotten: what was made of the face is no longer in %s\n", c.Name, people.where())
	return nil
}
