package nucleus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"porchlight/internal/config"
	"porchlight/internal/greengrass"
)

// Keys of the component's configuration that are not in internal/config.
const (
	camerasKey = "cameras"
	namesKey   = "camera_names" // says which cameras there are; see docs/guides/greengrass.md
)

// ErrSettings is wrapped when the configuration cannot be had from the nucleus.
var ErrSettings = errors.New("component configuration")

// Read reads the configuration once, key by key: nucleus lite answers no more
// than 255 keys and values at a time. Keys that are missing stay so. A camera
// whose settings cannot be had is nil in the tree, so that it alone is at fault.
func (s *Settings) Read(ctx context.Context) (map[string]any, error) {
	tree := map[string]any{}
	for _, key := range append(config.Keys(), namesKey) {
		if key == camerasKey {
			continue
		}
		value, err := s.value(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSettings, key, err)
		}
		if value != nil {
			tree[key] = value
		}
	}
	names, given, err := cameraNames(tree)
	if err != nil {
		return nil, err
	}
	delete(tree, namesKey)
	if given {
		tree[camerasKey], err = s.cameras(ctx, names)
	} else {
		tree[camerasKey], err = s.allCameras(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s.complete(tree), nil
}

// allCameras are those that one answer takes.
func (s *Settings) allCameras(ctx context.Context) (any, error) {
	all, err := s.value(ctx, camerasKey)
	switch {
	case tooMuch(err):
		return nil, fmt.Errorf("%w: %s: this nucleus cannot read so many keys at once: list the names of the cameras in %s, as in \"front,yard\": %w",
			ErrSettings, camerasKey, namesKey, err)
	case errors.Is(err, greengrass.ErrDisconnected):
		// That an answer of more than 10,000 bytes ends so on nucleus lite is not ruled out.
		return nil, fmt.Errorf("%w: %s: if this goes on, list the names of the cameras in %s: %w", ErrSettings, camerasKey, namesKey, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrSettings, camerasKey, err)
	case all == nil:
		return map[string]any{}, nil
	}
	return all, nil
}

// cameras reads one after the other.
func (s *Settings) cameras(ctx context.Context, names []string) (map[string]any, error) {
	cameras := map[string]any{}
	for _, name := range names {
		camera, err := s.camera(ctx, name)
		var remote *greengrass.RemoteError
		switch {
		case errors.As(err, &remote):
			s.n.cfg.Log.Error("settings of a camera cannot be read", "camera", name, "error", err)
		case err != nil:
			return nil, fmt.Errorf("%w: %s.%s: %w", ErrSettings, camerasKey, name, err)
		case camera == nil:
			s.n.cfg.Log.Error("a camera of "+namesKey+" has no settings: add its section to "+camerasKey+", or remove the name", "camera", name)
		}
		cameras[name] = camera
	}
	return cameras, nil
}

// camera reads one camera, key by key if need be.
func (s *Settings) camera(ctx context.Context, name string) (any, error) {
	c, found, err := s.get(ctx, camerasKey, name)
	if found {
		return decode(c.Value)
	}
	if !tooMuch(err) {
		return nil, err
	}
	section := map[string]any{}
	for _, key := range config.CameraKeys() {
		value, err := s.value(ctx, camerasKey, name, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if value != nil {
			section[key] = value
		}
	}
	return section, nil
}

// value at a path, nil if there is none.
func (s *Settings) value(ctx context.Context, path ...string) (any, error) {
	c, found, err := s.get(ctx, path...)
	if !found {
		return nil, err
	}
	if leaf, wrapped := c.Leaf(); wrapped {
		value, err := decode(leaf)
		if _, section := value.(map[string]any); err != nil || !section {
			return value, err
		}
		// An object in an object of one key is that object itself.
	}
	return decode(c.Value)
}

// get finds nothing without an error where there is nothing.
func (s *Settings) get(ctx context.Context, path ...string) (c greengrass.Configuration, found bool, err error) {
	c, err = s.n.client.GetConfiguration(ctx, greengrass.GetConfigurationRequest{KeyPath: path})
	if errors.Is(err, greengrass.ErrResourceNotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

// tooMuch says that the nucleus has the value but cannot answer it in one piece.
func tooMuch(err error) bool {
	return errors.Is(err, greengrass.ErrService) && !errors.Is(err, greengrass.ErrUnsupported)
}

// decode keeps numbers as they are written.
func decode(text json.RawMessage) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: the nucleus answered what is not JSON", greengrass.ErrProtocol)
	}
	return value, nil
}
