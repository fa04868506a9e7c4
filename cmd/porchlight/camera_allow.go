package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
	"porchlight/internal/fleet"
)

// CameraAllowCmd is the verb camera allow.
type CameraAllowCmd struct {
	Owner string `placeholder:"SUB" help:"Owner whose the cameras become, as the sign-in names them: the sub of the account."`
	Again bool   `help:"Let devices that were provisioned before come with a new key, once: after a factory reset."`
	StackFlags
	Serial []string `arg:"" name:"serial" help:"SERIAL or SERIAL=NAME: a device with a claim certificate that may become the thing NAME (default: its serial)."`
}

// allowance is one device that may be provisioned. Without a name, the thing
// is named like the serial, or as it was.
type allowance struct{ serial, thing string }

func (c *CameraAllowCmd) allowances() (list []allowance, err error) {
	for _, spec := range c.Serial {
		serial, thing, named := strings.Cut(spec, "=")
		name := thing
		if !named {
			name = serial
		}
		if err := event.ValidateThing(serial); err != nil {
			return nil, fmt.Errorf("serial %q: want 1 to 64 letters, digits, _ and -", serial)
		}
		if err := fleet.CheckThing(name); err != nil {
			return nil, err
		}
		list = append(list, allowance{serial, thing})
	}
	return list, nil
}

// Validate is called by kong; its errors are wrong usage.
func (c *CameraAllowCmd) Validate() error {
	_, err := c.allowances()
	return err
}

// Run allows the serials.
func (c *CameraAllowCmd) Run(ctx context.Context, streams *Streams) error {
	list, err := c.allowances()
	if err != nil {
		return usageError{err}
	}
	serials, err := c.serials(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		d, added, err := serials.AllowDevice(ctx, a.serial, a.thing, c.Owner)
		if err != nil {
			return err
		}
		words := "may become thing " + d.Thing
		switch {
		case added:
		case c.Again:
			if err := serials.ReopenDevice(ctx, a.serial); err != nil {
				return err
			}
			d.PublicKey, d.Refused = "", 0
			words = "may come with a new key, as thing " + d.Thing
		case d.ProvisionedAt != nil:
			words = fmt.Sprintf("is thing %s since %s; after a factory reset, allow it with --again", d.Thing, d.ProvisionedAt)
		default:
			words = "was allowed already, as thing " + d.Thing
		}
		if err := c.print(streams, d, "%s %s", d.Serial, words); err != nil {
			return err
		}
	}
	return nil
}

// serials opens the table, where they are kept.
func (f StackFlags) serials(ctx context.Context) (*store.Store, error) {
	d, err := f.open(ctx, fleet.Outputs{fleet.OutputTable: f.Table}, fleet.OutputTable)
	if err != nil {
		return nil, err
	}
	return d.store(), nil
}

// CameraSerialsCmd groups the verbs about allowed serials.
type CameraSerialsCmd struct {
	List   SerialsListCmd   `cmd:"" default:"withargs" help:"Show which serials are allowed, and what became of them."`
	Forget SerialsForgetCmd `cmd:"" help:"Withdraw serials. Certificates that were given out stay good."`
}

// SerialsListCmd is the verb camera serials list.
type SerialsListCmd struct{ StackFlags }

// Run lists the serials.
func (c *SerialsListCmd) Run(ctx context.Context, streams *Streams) error {
	serials, err := c.serials(ctx)
	if err != nil {
		return err
	}
	list, err := serials.Devices(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, d := range list {
			if err := c.print(streams, d, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintln(streams.Stderr, "no serial is allowed: add some with porchlight camera allow")
		return nil
	}
	table := tabwriter.NewWriter(streams.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "SERIAL\tTHING\tOWNER\tALLOWED\tSTATE")
	for _, d := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.Serial, d.Thing, d.Owner, d.AllowedAt, stateOf(d))
	}
	return table.Flush()
}

func stateOf(d store.Device) string {
	state := "not provisioned yet"
	switch {
	case d.ProvisionedAt != nil && d.PublicKey == "":
		state = "may come with a new key"
	case d.ProvisionedAt != nil:
		state = "provisioned " + d.ProvisionedAt.String()
	}
	if d.Refused > 0 {
		state += fmt.Sprintf("; other keys refused %d times: if it was reset, allow it with --again", d.Refused)
	}
	return state
}

// SerialsForgetCmd is the verb camera serials forget.
type SerialsForgetCmd struct {
	StackFlags
	Serial []string `arg:"" name:"serial" help:"Serials to withdraw."`
}

// Run forgets the serials.
func (c *SerialsForgetCmd) Run(ctx context.Context, streams *Streams) error {
	serials, err := c.serials(ctx)
	if err != nil {
		return err
	}
	for _, serial := range c.Serial {
		d, err := serials.ForgetDevice(ctx, serial)
		if err != nil {
			return err
		}
		words := "is not allowed any more"
		if d.CertificateID != "" {
			words += fmt.Sprintf("; thing %s stays until aws iot update-certificate --new-status REVOKED --certificate-id %s", d.Thing, d.CertificateID)
		}
		if err := c.print(streams, d, "%s %s", d.Serial, words); err != nil {
			return err
		}
	}
	return nil
}
