package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/oidc"
	"porchlight/internal/onemachine"
)

// UserCmd groups the verbs about owners of the local cloud.
type UserCmd struct {
	Add  UserAddCmd  `cmd:"" help:"Add an owner and print the new password once. Stop porchlight up first."`
	List UserListCmd `cmd:"" help:"Show who may sign in. Stop porchlight up first."`
}

// UserAddCmd adds an owner.
type UserAddCmd struct {
	Data  string `name:"data" type:"path" default:"data" help:"Folder of everything that is kept."`
	JSON  bool   `name:"json" help:"Print a JSON line."`
	Email string `arg:"" name:"e-mail" help:"E-mail to sign in with."`
}

// UserListCmd lists owners.
type UserListCmd struct {
	Data string `name:"data" type:"path" default:"data" help:"Folder of everything that is kept."`
	JSON bool   `name:"json" help:"Print JSON Lines."`
}

// Run adds the owner.
func (c *UserAddCmd) Run(_ context.Context, streams *Streams) (err error) {
	users, err := openUsers(c.Data, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	password := onemachine.NewPassword()
	sub, err := users.AddUser(c.Email, password)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(streams.Stdout).Encode(map[string]string{"email": c.Email, "sub": sub, "password": password})
	}
	fmt.Fprintf(streams.Stdout, "e-mail:   %s\npassword: %s\n", c.Email, password)
	return nil
}

// Run lists the owners.
func (c *UserListCmd) Run(_ context.Context, streams *Streams) (err error) {
	users, err := openUsers(c.Data, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	all, err := users.Users()
	if err != nil {
		return err
	}
	for _, u := range all {
		if c.JSON {
			if err := json.NewEncoder(streams.Stdout).Encode(map[string]string{"email": u.Email, "sub": u.Sub}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(streams.Stdout, "%s  %s\n", u.Sub, u.Email)
	}
	return nil
}

// openUsers opens the file of a local cloud that is not running.
func openUsers(data string, streams *Streams) (*oidc.Provider, error) {
	file := filepath.Join(data, "cloud", "sign-in.db")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return oidc.New(oidc.Config{
		Logger: streams.Log, Issuer: "http://" + localcloud.DefaultAddresses().App + "/oidc", Path: file,
	})
}
