package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"porchlight/internal/modelstore"
)

// ModelsCmd groups the verbs about models.
type ModelsCmd struct {
	List   ModelsListCmd   `cmd:"" help:"Show which models there are and which are installed."`
	Pull   ModelsPullCmd   `cmd:"" help:"Fetch models; an interrupted download is resumed."`
	Verify ModelsVerifyCmd `cmd:"" help:"Check the files of installed models."`
}

// modelLine is the state of one model as JSON.
type modelLine struct {
	Name    string           `json:"name"`
	Kind    string           `json:"kind"`
	State   modelstore.State `json:"state"`
	License string           `json:"license"`
	Bytes   int64            `json:"bytes"` // of all files, an upper bound where a size is unknown
	Note    string           `json:"note,omitempty"`
	Error   string           `json:"error,omitempty"`
}

func newModelLine(s modelstore.Status) modelLine {
	l := modelLine{Name: s.Model.Name, Kind: s.Model.Kind, State: s.State, License: s.Model.License, Note: s.Model.Note}
	for _, f := range s.Model.Files {
		l.Bytes += f.Limit()
	}
	if s.Err != nil {
		l.Error = s.Err.Error()
	}
	return l
}

// printModels writes the states as JSON Lines or as a table.
func printModels(streams *Streams, asJSON bool, list []modelstore.Status) error {
	if asJSON {
		enc := json.NewEncoder(streams.Stdout)
		for _, s := range list {
			if err := enc.Encode(newModelLine(s)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tKIND\tSTATE\tMB\tLICENSE\tNOTE")
	for _, s := range list {
		l := newModelLine(s)
		fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\t%s\t%s\n", l.Name, l.Kind, l.State, float64(l.Bytes)/1e6, l.License, l.Note)
	}
	return table.Flush()
}

// ModelsListCmd is the verb models list.
type ModelsListCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines."`
	ModelDir
}

// Run lists the models.
func (c *ModelsListCmd) Run(_ context.Context, streams *Streams) error {
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintln(streams.Stderr, "models in", store.Dir())
	}
	return printModels(streams, c.JSON, store.List())
}

// ModelsVerifyCmd is the verb models verify.
type ModelsVerifyCmd struct {
	JSON bool `name:"json" help:"Print JSON Lines."`
	ModelDir
	Names []string `arg:"" optional:"" name:"model" help:"Models to check (default: all that are installed)."`
}

// Run checks the named models, or those of which anything is there.
func (c *ModelsVerifyCmd) Run(_ context.Context, streams *Streams) error {
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range c.Names {
		if _, err := store.Model(name); err != nil {
			return usageError{err}
		}
		wanted[name] = true
	}
	var checked []modelstore.Status
	var bad error
	for _, s := range store.List() {
		if wanted[s.Model.Name] || (len(wanted) == 0 && s.State != modelstore.Missing) {
			checked = append(checked, s)
			bad = errors.Join(bad, s.Err)
		}
	}
	return errors.Join(printModels(streams, c.JSON, checked), bad)
}

// ModelsPullCmd is the verb models pull.
type ModelsPullCmd struct {
	JSON   bool   `name:"json" help:"Print JSON Lines."`
	Mirror string `placeholder:"DIR-OR-URL" help:"Take the files from this directory or address instead."`
	ModelDir
	Names []string `arg:"" optional:"" name:"model" default:"yolox-nano" help:"Models to fetch (default: ${default})."`
}

// Run fetches the named models. One that fails does not stop the others.
func (c *ModelsPullCmd) Run(ctx context.Context, streams *Streams) error {
	store, err := c.Store(streams)
	if err != nil {
		return err
	}
	for _, name := range c.Names {
		if _, err := store.Model(name); err != nil {
			return usageError{err}
		}
	}
	pulled := map[string]bool{}
	var bad error
	for _, name := range c.Names {
		pulled[name] = true
		bad = errors.Join(bad, store.Pull(ctx, name, modelstore.PullOptions{Mirror: c.Mirror, Progress: progress(streams)}))
	}
	var list []modelstore.Status
	for _, s := range store.List() {
		if pulled[s.Model.Name] {
			list = append(list, s)
		}
	}
	return errors.Join(printModels(streams, c.JSON, list), bad)
}

// progress returns a reporter that writes a line for every tenth of a file.
func progress(streams *Streams) func(modelstore.Progress) {
	file, next := "", int64(0)
	return func(p modelstore.Progress) {
		if p.File != file {
			file, next = p.File, 0
		}
		if tenths := p.Done * 10 / p.Total; tenths >= next {
			next = tenths + 1
			fmt.Fprintf(streams.Stderr, "%s: %.1f of %.1f MB\n", p.File, float64(p.Done)/1e6, float64(p.Total)/1e6)
		}
	}
}
