package main

import (
	"log/slog"
	"os"
	"syscall"

	"porchlight/internal/config"
	"porchlight/internal/edge"
	"porchlight/internal/edge/update"
	"porchlight/internal/modelstore"
	"porchlight/internal/version"
	"porchlight/models"
)

// launch becomes the version of this program that the last update left in
// use, where updates of the software are on. With update.ErrDone the process
// has been a watchdog, and ends.
func launch(file string, restart func(), log *slog.Logger) (*edge.Software, error) {
	bare, err := config.LoadBare(file)
	if err != nil || !bare.Software {
		return nil, nil //nolint:nilerr,nilnil // what is wrong with the file is said when it is read in full
	}
	launched, err := update.Launch{
		StateDir: bare.StateDir, Installed: version.String(), Argv: os.Args, Environ: os.Environ(), Exec: syscall.Exec, Log: log,
	}.Run()
	if err != nil {
		return nil, err
	}
	return &edge.Software{Launched: launched, Restart: restart}, nil
}

// labelLists are those that the models of updates may name.
func labelLists() (map[string][]string, error) {
	store, err := modelstore.New(modelstore.Config{Dir: os.TempDir(), Manifest: models.Manifest()})
	if err != nil {
		return nil, err
	}
	return store.Labels(), nil
}
