package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"porchlight/internal/capture"
	"porchlight/internal/onvif"
)

// CameraDiscoverCmd is the verb camera discover.
type CameraDiscoverCmd struct {
	JSON         bool          `name:"json" help:"Print JSON Lines."`
	Address      []string      `sep:"none" placeholder:"HOST[:PORT]" help:"Ask this camera itself, where a search does not reach it. May be repeated."`
	Interface    []string      `placeholder:"NAME" help:"Search this network alone, as in eth0. May be repeated (default: all)."`
	Wait         time.Duration `default:"3s" placeholder:"D" help:"How long to wait for answers (default: ${default})."`
	User         string        `placeholder:"NAME" help:"User of the cameras, with the password of --password-file or PORCHLIGHT_CAMERA_PASSWORD."`
	PasswordFile string        `type:"path" placeholder:"FILE" help:"File whose first line is the password."`
	Prove        bool          `default:"true" negatable:"" help:"Take a picture from each stream that is proposed (default: yes)."`
	Pictures     string        `type:"path" placeholder:"DIR" help:"Folder of these pictures (default: that of --write, else this one)."`
	Write        string        `type:"path" placeholder:"FILE" help:"Add the cameras to this configuration, in place of printing them."`
	Force        bool          `help:"Give cameras that are in the configuration already the streams found now."`
	WithPassword bool          `help:"Print and write addresses with the user and password."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *CameraDiscoverCmd) Validate() error {
	for _, a := range c.Address {
		if _, err := onvif.ParseAddress(a); err != nil {
			return fmt.Errorf("--address: %w", err)
		}
	}
	switch {
	case c.Wait < 100*time.Millisecond || c.Wait > time.Minute:
		return fmt.Errorf("--wait %v: want 100ms to 1m", c.Wait)
	case len(c.Address) > 0 && len(c.Interface) > 0:
		return errors.New("--address asks one camera, --interface searches for all: give one of them")
	case c.PasswordFile != "" && c.User == "":
		return errors.New("--password-file without --user")
	case c.Force && c.Write == "":
		return errors.New("--force without --write")
	}
	return nil
}

// cameraPassword is where a password is looked for when no file is named.
const cameraPassword = "PORCHLIGHT_CAMERA_PASSWORD"

// password reads the password; none is empty.
func (c *CameraDiscoverCmd) password() (string, error) {
	if c.User == "" {
		return "", nil
	}
	if c.PasswordFile == "" {
		return os.Getenv(cameraPassword), nil
	}
	text, err := readLimited(c.PasswordFile, 4<<10)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// problem is a camera that did not come about, and why.
type problem struct {
	Address string `json:"address"`
	Name    string `json:"name,omitempty"` // as the camera calls itself
	Error   string `json:"error"`
}

// Run searches, asks, proves and prints or writes.
func (c *CameraDiscoverCmd) Run(ctx context.Context, streams *Streams) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	d := &discovery{CameraDiscoverCmd: c, secret: password, streams: streams}
	if err := d.openFile(); err != nil {
		return err
	}
	found, err := d.search(ctx)
	if err != nil {
		return err
	}
	d.ask(ctx, found)
	d.prove(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := d.finish(); err != nil {
		return err
	}
	return d.verdict()
}

// verdict is the error that a run ends with, for programs.
func (d *discovery) verdict() error {
	switch ready := len(d.ready()); {
	case ready == 0 && len(d.problems) == 0:
		return fmt.Errorf("no camera has answered on %s: check that it is on this network and that ONVIF is switched on in its settings;"+
			" where a search does not reach, give its address with --address", strings.Join(d.interfaces, ", "))
	case len(d.problems) == 1 && ready == 0:
		return errors.New(d.problems[0].String())
	case len(d.problems) > 0:
		return fmt.Errorf("%d cameras are ready, %d problems are left: see above", ready, len(d.problems))
	}
	return nil
}

// tell says to people what happens.
func (d *discovery) tell(format string, a ...any) {
	fmt.Fprintf(d.streams.Stderr, format+"\n", a...)
}

// fail keeps what went wrong with a camera.
func (d *discovery) fail(address, name string, err error) {
	d.problems = append(d.problems, problem{Address: address, Name: name, Error: capture.Redact(err.Error())})
}

// String is the problem for people, who do not know cameras by their address.
func (p problem) String() string {
	if p.Name == "" {
		return p.Error
	}
	return fmt.Sprintf("%q: %s", p.Name, p.Error)
}
