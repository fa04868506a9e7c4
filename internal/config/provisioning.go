package config

import (
	"fmt"
	"net"
	"strings"
)

// Provisioning says how a device that has no certificate of its own yet gets
// one. With it thing, iot.certificate and iot.private_key are not written,
// and what else the file leaves out comes from the provisioning template.
type Provisioning struct {
	Template         string `config:"template"`          // name of the provisioning template; empty: none of this
	ClaimCertificate string `config:"claim_certificate"` // PEM file
	ClaimKey         string `config:"claim_key"`         // PEM file
	Serial           string `config:"serial"`            // of the device, or a file that holds it
	Parameters       string `config:"parameters"`        // more for the template: name=value, name=value
}

// Wanted says whether the device is to be provisioned.
func (p Provisioning) Wanted() bool { return p.Template != "" }

// More returns the parameters beside the serial.
func (p Provisioning) More() map[string]string {
	if p.Parameters == "" {
		return nil
	}
	more := map[string]string{}
	for pair := range strings.SplitSeq(p.Parameters, ",") {
		name, value, _ := strings.Cut(pair, "=")
		more[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return more
}

func (p Provisioning) validate(path string) error {
	for key, value := range map[string]string{"claim_certificate": p.ClaimCertificate, "claim_key": p.ClaimKey} {
		if value == "" {
			return bad(join(path, key), "missing: the file that porchlight camera claim made")
		}
	}
	if p.Serial == "" {
		return bad(join(path, "serial"), "missing: the device's serial, or a file like /proc/device-tree/serial-number")
	}
	for name := range p.More() {
		if name == "" || !strings.Contains(p.Parameters, "=") {
			return bad(join(path, "parameters"), "%q: want name=value, name=value", p.Parameters)
		}
	}
	return nil
}

// unnamed stands for the name of a thing that has none yet.
const unnamed = "later"

// validateUnprovisioned judges a configuration whose device has no identity
// yet: all but what the identity will bring.
func (c *Config) validateUnprovisioned() error {
	if err := c.Provisioning.validate("provisioning"); err != nil {
		return err
	}
	for path, value := range map[string]string{"iot.certificate": c.IoT.Certificate, "iot.private_key": c.IoT.PrivateKey} {
		if value != "" {
			return bad(path, "with provisioning the device makes its own: remove this, or the section provisioning")
		}
	}
	stand := *c
	stand.Provisioning = Provisioning{}
	stand.IoT.Certificate, stand.IoT.PrivateKey = "later", "later"
	stand.fill(unnamed, map[string]string{
		"role_alias": "later", "thumbnail_bucket": "later", "region": "later", "credentials_endpoint": "later:443",
	})
	return stand.validate()
}

// Provisioned returns the configuration completed with the identity that the
// device was given: its thing, the paths of its certificate and key, and what
// the provisioning template told it, by region, role_alias, thumbnail_bucket
// and credentials_endpoint. What the file says wins; of another thing it is
// an error.
func (c *Config) Provisioned(thing, certificate, privateKey string, told map[string]string) (*Config, error) {
	if c.Thing != "" && c.Thing != thing {
		return nil, bad("thing", "%s, but this device was provisioned as %s: remove thing", c.Thing, thing)
	}
	whole := *c
	whole.Provisioning = Provisioning{}
	whole.IoT.Certificate, whole.IoT.PrivateKey = certificate, privateKey
	whole.fill(thing, told)
	if err := whole.validate(); err != nil {
		return nil, fmt.Errorf("%w (neither this file nor the provisioning template %s says it)", err, c.Provisioning.Template)
	}
	return &whole, nil
}

// fill sets what is still empty.
func (c *Config) fill(thing string, told map[string]string) {
	for name, target := range map[string]*string{
		"role_alias": &c.IoT.RoleAlias, "thumbnail_bucket": &c.Cloud.ThumbnailBucket, "region": &c.Cloud.Region,
		"credentials_endpoint": &c.IoT.CredentialsEndpoint,
	} {
		if *target == "" {
			*target = told[name]
		}
	}
	if c.Thing == "" {
		c.Thing = thing
	}
	if _, _, err := net.SplitHostPort(c.IoT.CredentialsEndpoint); err != nil && c.IoT.CredentialsEndpoint != "" {
		c.IoT.CredentialsEndpoint = net.JoinHostPort(c.IoT.CredentialsEndpoint, "443")
	}
}

// leaveRegionOpen undoes the default of cloud.region, unless the file says
// it: the template knows better.
func (c *Config) leaveRegionOpen(tree map[string]any) {
	cloud, _ := tree["cloud"].(map[string]any)
	if _, said := cloud["region"]; c.Provisioning.Wanted() && !said {
		c.Cloud.Region = ""
	}
}
