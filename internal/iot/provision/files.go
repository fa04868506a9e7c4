package provision

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"porchlight/internal/atomicfile"
	"porchlight/internal/event"
	"porchlight/internal/iot/devicekey"
)

// files is the folder of an identity.
//
//	private.key      made first, kept for good
//	pending.json     a certificate that is the device's but not yet a thing's
//	certificate.pem  the thing's certificate
//	identity.json    written last: with it the device is provisioned
type files struct{ dir string }

func (f files) key() string         { return filepath.Join(f.dir, "private.key") }
func (f files) certificate() string { return filepath.Join(f.dir, "certificate.pem") }
func (f files) pending() string     { return filepath.Join(f.dir, "pending.json") }
func (f files) identity() string    { return filepath.Join(f.dir, "identity.json") }

// loadKey returns the device's key, which is made when there is none.
func (f files) loadKey(log *slog.Logger) (*devicekey.Key, error) {
	k, err := devicekey.Load(f.key())
	switch {
	case errors.Is(err, devicekey.ErrDamaged):
		// It cannot come back, so a device that waits for it never works again.
		log.Error("the device's key is damaged, making a new one: its serial must be allowed again", "error", err)
	case !errors.Is(err, fs.ErrNotExist):
		return k, err
	}
	return devicekey.Make(f.key())
}

// savedIdentity is identity.json.
type savedIdentity struct {
	Thing               string            `json:"thing"`
	CertificateID       string            `json:"certificate_id"`
	DeviceConfiguration map[string]string `json:"device_configuration"`
	Connected           bool              `json:"connected"` // the certificate has been used
}

// pending is pending.json. The token is good for an hour and for one use.
type pending struct {
	CertificateID string `json:"certificate_id"`
	Certificate   string `json:"certificate"` // PEM
	Token         string `json:"token"`
}

// Bounds of what the cloud may tell a device.
const (
	mostSettings   = 64
	longestSetting = 1024 // bytes of a name or value
)

func (s savedIdentity) validate() error {
	if err := event.ValidateThing(s.Thing); err != nil {
		return err
	}
	if len(s.DeviceConfiguration) > mostSettings {
		return fmt.Errorf("%d settings: at most %d", len(s.DeviceConfiguration), mostSettings)
	}
	for name, value := range s.DeviceConfiguration {
		if len(name) > longestSetting || len(value) > longestSetting {
			return fmt.Errorf("setting %.40q: name or value is longer than %d bytes", name, longestSetting)
		}
	}
	return nil
}

// loadIdentity returns nil when the device has not been provisioned, also
// when what is there cannot be used, which the error then says.
func (f files) loadIdentity(k *devicekey.Key) (*savedIdentity, error) {
	text, err := os.ReadFile(f.identity())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var s savedIdentity
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", f.identity(), err)
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.identity(), err)
	}
	certificate, err := os.ReadFile(f.certificate())
	if err != nil {
		return nil, err
	}
	if err := k.Owns(string(certificate)); err != nil {
		return nil, fmt.Errorf("%s: %w", f.certificate(), err)
	}
	return &s, nil
}

func (f files) saveIdentity(s savedIdentity) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(f.identity(), text, 0o600)
}

func (f files) forgetIdentity() error {
	if err := os.Remove(f.identity()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// loadPending returns nil for whatever is of no use: asking again is cheap.
func (f files) loadPending(k *devicekey.Key) *pending {
	text, err := os.ReadFile(f.pending())
	if err != nil {
		return nil
	}
	var p pending
	if json.Unmarshal(text, &p) != nil || p.Token == "" || k.Owns(p.Certificate) != nil {
		return nil
	}
	return &p
}

func (f files) savePending(p pending) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.Write(f.pending(), text, 0o600)
}

// forgetPending may fail: what is left is found to be of no use later.
func (f files) forgetPending() { os.Remove(f.pending()) }
