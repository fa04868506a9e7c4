package main

import (
	"porchlight/internal/modelstore"
	"porchlight/models"
)

// ModelDir is the flag that says where models are.
type ModelDir struct {
	Models string `name:"models" env:"PORCHLIGHT_MODELS" type:"path" placeholder:"DIR" help:"Directory of the models (default: ~/.local/share/porchlight/models)."`
}

// Store opens the store of models.
func (d ModelDir) Store(streams *Streams) (*modelstore.Store, error) {
	dir := d.Models
	if dir == "" {
		var err error
		if dir, err = modelstore.DefaultDir(); err != nil {
			return nil, err
		}
	}
	return modelstore.New(modelstore.Config{Dir: dir, Manifest: models.Manifest(), Log: streams.Log})
}
