package rollout

import (
	"fmt"
	"image"
	_ "image/jpeg" // probes are JPEG
	_ "image/png"  // or PNG
	"os"
	"reflect"
	"strings"

	"porchlight/internal/edge/update"
	"porchlight/internal/modelstore"
)

// Model makes the update of a model that is installed in a store, where its
// files have been verified. known are the label lists of devices; another one
// is sent along. With inPlace the files stay at the manifest's addresses.
func Model(store *modelstore.Store, name string, known map[string][]string, inPlace bool) (*Update, error) {
	m, err := store.Model(name)
	if err != nil {
		return nil, err
	}
	contents, err := store.Load(name)
	if err != nil {
		return nil, err
	}
	u := &Update{Document: update.Document{Porchlight: 1, Action: update.ActionModel}}
	if !reflect.DeepEqual(known[m.LabelList], m.Labels) {
		u.Document.Labels = map[string][]string{m.LabelList: m.Labels}
	}
	entry := m
	entry.Note, entry.Files = "", nil
	for _, f := range m.Files {
		path := contents.Parts[f.Part].WeightsPath
		if f.Role == modelstore.RoleConfig {
			path = contents.Parts[f.Part].ConfigPath
		}
		file, err := NewFile(path)
		if err != nil {
			return nil, err
		}
		file.Name = f.Name
		if inPlace {
			if len(f.URLs) == 0 || !strings.HasPrefix(f.URLs[0], "https://") {
				return nil, fmt.Errorf("%w: the manifest has no address for %s: name a --bucket", ErrFile, f.Name)
			}
			file.URL = f.URLs[0]
		}
		entry.Files = append(entry.Files, modelstore.File{Name: f.Name, Part: f.Part, Role: f.Role, Bytes: file.Size, SHA256: file.SHA256})
		u.Files = append(u.Files, file)
	}
	u.Document.Model = &entry
	u.Document.Files = make([]update.Location, len(u.Files))
	for i, f := range u.Files {
		u.Document.Files[i].Name = f.Name
		u.places = append(u.places, &u.Document.Files[i].URL)
	}
	return u, nil
}

// AddProbe makes the new model prove that it sees a label in a picture.
func (u *Update) AddProbe(path, label string, minScore float64) error {
	f, err := NewFile(path)
	if err != nil {
		return err
	}
	picture, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	defer picture.Close()
	if _, _, err := image.DecodeConfig(picture); err != nil {
		return fmt.Errorf("%w: %s: not a JPEG or PNG: %w", ErrFile, path, err)
	}
	u.Document.Probe = &update.Probe{SHA256: f.SHA256, Size: f.Size, Label: label, MinScore: minScore}
	u.Files, u.places = append(u.Files, f), append(u.places, &u.Document.Probe.URL)
	return nil
}

// Software makes the update of the software: a program, or a tar.gz with one
// named camera at its top. address says where devices find it, "" that it has
// to be sent.
func Software(path, version, platform, address string) (*Update, error) {
	f, err := NewFile(path)
	if err != nil {
		return nil, err
	}
	f.URL = address
	u := &Update{Files: []File{f}, Document: update.Document{
		Porchlight: 1, Action: update.ActionSoftware, Version: version, Platform: platform, SHA256: f.SHA256, Size: f.Size,
	}}
	u.places = []*string{&u.Document.URL}
	return u, nil
}
