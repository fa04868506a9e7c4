package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"porchlight/internal/publish/recipe"
)

// ErrMismatch is a recipe and artifacts that do not belong together.
var ErrMismatch = errors.New("recipe and artifacts differ")

// ErrSetting is a name or version that AWS would refuse.
var ErrSetting = errors.New("bad setting")

// Component is one component version, ready to be published once Fill has
// filled its recipe in.
type Component struct {
	Name, Version string
	Recipe        *recipe.Recipe
	YAML          []byte // of the recipe
	Artifacts     []Artifact
	Bucket        string

	template *recipe.Recipe
	nucleus  recipe.Nucleus
}

// Fill fills the recipe in and checks it. Errors wrap ErrSetting, ErrMismatch
// or recipe.ErrInvalid.
func (c *Component) Fill(version, bucket string) error {
	if !recipe.ValidVersion(version) {
		return fmt.Errorf("%w: version %q: write a semantic version like 1.2.3", ErrSetting, version)
	}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(bucket) {
		return fmt.Errorf("%w: bucket %q: want the name of an S3 bucket, 3 to 63 small letters, digits, . and -", ErrSetting, bucket)
	}
	text, err := c.template.YAML()
	if err != nil {
		return err
	}
	if c.Recipe, err = recipe.Parse(text); err != nil {
		return err
	}
	c.Name, c.Version, c.Bucket = c.template.Name(), version, bucket
	c.Recipe.Fill(map[string]string{"BUCKET_NAME": bucket, "COMPONENT_NAME": c.Name, "COMPONENT_VERSION": version})
	if err := c.Recipe.Check(c.nucleus); err != nil {
		return fmt.Errorf("recipe of %s: %w", c.Name, err)
	}
	if c.YAML, err = c.Recipe.YAML(); err != nil {
		return err
	}
	return c.match()
}

// match makes sure that each artifact of the recipe is there and no other.
func (c *Component) match() error {
	var have []string
	for _, a := range c.Artifacts {
		have = append(have, a.Name)
	}
	want := c.Recipe.Files()
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		return fmt.Errorf("%w: %s names the files %q and there are %q: list each under Artifacts", ErrMismatch, c.Name, want, have)
	}
	return nil
}

// Key is the S3 key of an artifact.
func (c *Component) Key(a Artifact) string { return c.Name + "/" + c.Version + "/" + a.Name }

// Digest is the SHA-256, in hexadecimal, of all that makes this component
// version: its recipe and its artifacts' digests. Two versions with the same
// digest are the same.
func (c *Component) Digest() string {
	h := sha256.New()
	_, _ = h.Write(c.YAML) // a hash never fails
	for _, a := range c.Artifacts {
		fmt.Fprintf(h, "\x00%s\x00%s", a.Name, a.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// WriteBuild writes what the Greengrass Development Kit expects of a custom
// build: the recipe with its placeholders and the artifacts, for the version
// of gdk-config.json, which may be NEXT_PATCH.
func (c *Component) WriteBuild(folder, version string) error {
	if version != "NEXT_PATCH" && !recipe.ValidVersion(version) {
		return fmt.Errorf("%w: version %q: write NEXT_PATCH or a semantic version like 1.2.3", ErrSetting, version)
	}
	if err := c.Fill("1.0.0", "gdk-fills-this-in"); err != nil {
		return err
	}
	text, err := c.template.YAML()
	if err != nil {
		return err
	}
	into := filepath.Join(folder, "artifacts", c.Name, version)
	for _, dir := range []string{into, filepath.Join(folder, "recipes")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("build folder: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "recipes", "recipe.yaml"), text, 0o644); err != nil {
		return fmt.Errorf("build folder: %w", err)
	}
	for _, a := range c.Artifacts {
		if err := copyFile(filepath.Join(into, a.Name), a.Path); err != nil {
			return fmt.Errorf("build folder: %w", err)
		}
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}
