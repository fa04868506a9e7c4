package fleet

import (
	_ "embed" // the roots
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"porchlight/internal/atomicfile"
	"porchlight/internal/config"
	"porchlight/internal/iot/devicekey"
)

// amazonRoots are the roots that AWS IoT's ATS endpoints have their
// certificates from: Amazon Root CA 1 and 3, public, of
// https://www.amazontrust.com/repository/.
//
//go:embed amazon-roots.pem
var amazonRoots []byte

// folder holds what one device, or a batch, is given.
type folder struct {
	dir              string // here
	at               string // on the device
	certificate, key string // names of the files
}

func (f folder) path(name string) string     { return filepath.Join(f.dir, name) }
func (f folder) onDevice(name string) string { return filepath.Join(f.at, name) }

const (
	caFile     = "ca.pem"
	configFile = "porchlight.yaml"
)

// loadKey returns the key of an earlier run, or a new one. A damaged one is an
// error here, where there is somebody to ask.
func (f folder) loadKey() (*devicekey.Key, error) {
	k, err := devicekey.Load(f.path(f.key))
	if errors.Is(err, fs.ErrNotExist) {
		k, err = devicekey.Make(f.path(f.key))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	return k, nil
}

// loadCertificate returns the certificate of an earlier run, "" when there is
// none.
func (f folder) loadCertificate(k *devicekey.Key) (string, error) {
	text, err := os.ReadFile(f.path(f.certificate))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("%w: %w", ErrFolder, err)
	}
	if err := k.Owns(string(text)); err != nil {
		return "", fmt.Errorf("%w: %s: %w: choose an empty folder with --out", ErrFolder, f.path(f.certificate), err)
	}
	return string(text), nil
}

// writeCA keeps the roots that devices are to trust: those of a file, or
// Amazon's.
func (f folder) writeCA(file string) error {
	roots := amazonRoots
	if file != "" {
		var err error
		if roots, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("CA: %w", err)
		}
	}
	return atomicfile.Write(f.path(caFile), roots, 0o644)
}

// writeConfig writes the device's configuration, unless one is there: its
// owner may have added to it.
func (f folder) writeConfig(tree yaml.MapSlice) (written bool, err error) {
	if _, err := os.Stat(f.path(configFile)); err == nil {
		return false, nil
	}
	text, err := yaml.Marshal(tree)
	if err != nil {
		return false, err
	}
	if _, err := config.Parse(text); err != nil {
		return false, fmt.Errorf("%w: %s: %w", ErrFolder, configFile, err)
	}
	head := "# Made by porchlight camera. docs/guides/configuration.md describes every key.\n"
	return true, atomicfile.Write(f.path(configFile), append([]byte(head), text...), 0o600)
}

// isFor says why the folder, of an earlier run, is another thing's.
func (f folder) isFor(thing string) error {
	text, err := os.ReadFile(f.path(configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	var known struct {
		Thing string `yaml:"thing"`
	}
	if err := yaml.Unmarshal(text, &known); err != nil {
		// Without the lines around the fault, which may hold a camera's password.
		return fmt.Errorf("%w: %s: %s", ErrFolder, f.path(configFile), yaml.FormatError(err, false, false))
	}
	if known.Thing != thing {
		return fmt.Errorf("%w: %s is of thing %q: choose another folder with --out", ErrFolder, f.path(configFile), known.Thing)
	}
	return nil
}
