package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"porchlight/internal/modelstore"
	"porchlight/internal/publish/recipe"
	"porchlight/recipes"
)

// ErrNotRedistributable is a model that may not, or cannot honestly, be handed
// on.
var ErrNotRedistributable = errors.New("model cannot be published")

// ModelSource says which networks the models component holds.
type ModelSource struct {
	Store *modelstore.Store
	Known *modelstore.Manifest // the built-in one, which every device has
	Names []string
	Arch  []string // amd64, arm64
}

// Models prepares the component that holds the networks. Its files are those
// of the store, verified against the manifest, and are written into work.
func Models(work string, source ModelSource) (*Component, error) {
	template, err := recipe.Parse(recipes.Models())
	if err != nil {
		return nil, fmt.Errorf("recipe of the models: %w", err)
	}
	template.Keep(source.Arch)
	folder := filepath.Join(work, "models")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var note bytes.Buffer
	var artifacts []Artifact
	fmt.Fprintln(&note, "The neural networks in this folder, where they come from and what they must hash to.")
	for _, name := range source.Names {
		added, err := source.add(folder, name, &note)
		if err != nil {
			return nil, err
		}
		for _, a := range added {
			if slices.ContainsFunc(artifacts, func(b Artifact) bool { return a.Name == b.Name }) {
				return nil, fmt.Errorf("%w: two of them have a file %s: publish one of them", ErrNotRedistributable, a.Name)
			}
		}
		artifacts = append(artifacts, added...)
	}
	about, err := writeFile(filepath.Join(folder, "MODELS.txt"), note.Bytes())
	if err != nil {
		return nil, err
	}
	artifacts = append(artifacts, about)
	var sums bytes.Buffer
	var names []string
	for _, a := range artifacts {
		fmt.Fprintf(&sums, "%s  %s\n", a.SHA256, a.Name) // the form that sha256sum -c reads
		names = append(names, a.Name)
	}
	list, err := writeFile(filepath.Join(folder, "SHA256SUMS"), sums.Bytes())
	if err != nil {
		return nil, err
	}
	if err := template.AddArtifacts(names); err != nil {
		return nil, fmt.Errorf("recipe of the models: %w", err)
	}
	return &Component{template: template, nucleus: recipe.Both, Artifacts: append([]Artifact{list}, artifacts...)}, nil
}

// add writes the files of one model and tells of them in note.
func (s ModelSource) add(folder, name string, note *bytes.Buffer) (added []Artifact, err error) {
	i := slices.IndexFunc(s.Known.Models, func(m modelstore.Model) bool { return m.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %s is not in the built-in manifest, so no device would know it: add it to models/manifest.json first", ErrNotRedistributable, name)
	}
	m := s.Known.Models[i]
	if err := Redistributable(m); err != nil {
		return nil, err
	}
	contents, err := s.Store.Load(name)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(note, "\n%s: %s\nlicense: %s\n", m.Name, m.Note, m.License)
	for _, f := range m.Files {
		part := contents.Parts[f.Part]
		data := part.Weights
		if f.Role == modelstore.RoleConfig {
			data = part.Config
		}
		artifact, err := writeFile(filepath.Join(folder, f.Name), data)
		if err != nil {
			return nil, err
		}
		if artifact.SHA256 != strings.ToLower(f.SHA256) {
			return nil, fmt.Errorf("%w: %s of model %s hashes to %s, not to the manifest's %s: run \"porchlight models pull %[3]s\"",
				ErrArtifact, f.Name, m.Name, artifact.SHA256, f.SHA256)
		}
		fmt.Fprintf(note, "%s  %s\n  from %s\n", f.SHA256, f.Name, f.URLs[0])
		added = append(added, artifact)
	}
	return added, nil
}

func writeFile(path string, data []byte) (Artifact, error) {
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return Artifact{}, fmt.Errorf("%w: %w", ErrArtifact, err)
	}
	sum := sha256.Sum256(data)
	return Artifact{Name: filepath.Base(path), Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Path: path}, nil
}

// Redistributable says whether a model may be handed on by whoever publishes:
// its license says so, everyone can see where its files come from, and their
// SHA-256 is known. The error wraps ErrNotRedistributable.
func Redistributable(m modelstore.Model) error {
	refuse := func(why, cure string) error {
		return fmt.Errorf("%w: %s: %s: %s", ErrNotRedistributable, m.Name, why, cure)
	}
	if !slices.Contains(freeLicenses(), m.License) {
		return refuse(fmt.Sprintf("its license is %q", m.License), "choose a model whose license is one of "+strings.Join(freeLicenses(), "; "))
	}
	for _, f := range m.Files {
		name := strings.ToLower(m.Name + " " + f.Name)
		switch {
		case strings.Contains(name, "mobilefacenet"):
			return refuse("the weights of MobileFaceNet come from research data without a license", "copy them to the device yourself if you may use them")
		case len(f.URLs) == 0:
			return refuse("the manifest has no address for "+f.Name, "copy it to the device yourself")
		case f.SHA256 == "":
			return refuse("the manifest has no SHA-256 of "+f.Name, "have the device fetch it with \"porchlight models pull "+m.Name+"\"")
		}
	}
	return nil
}

// freeLicenses are those, as the manifest spells them, that let anyone hand
// the files on.
func freeLicenses() []string {
	return []string{"Apache-2.0", "MIT", "Apache-2.0 and MIT", "OpenCV project (Apache-2.0/BSD)", "Darknet (public domain)"}
}
