package registry

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"porchlight/internal/localcloud/iotcore/pki"
)

// parse reads the file in its present form or its first.
func parse(b []byte, dir string, now time.Time) (*state, error) {
	var form struct {
		Version json.RawMessage `json:"version"`
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, err
	}
	// In the first form every key is a thing, also one that is called version.
	if form.Version == nil || strings.HasPrefix(strings.TrimSpace(string(form.Version)), "{") {
		return migrate(b, dir, now)
	}
	s := &state{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, err
	}
	if s.Version != version {
		return nil, fmt.Errorf("its form is version %d, and this program knows %d: use the program that wrote it", s.Version, version)
	}
	if s.Things == nil || s.Certificates == nil || s.Claims == nil {
		return nil, errors.New("a section is missing")
	}
	return s, nil
}

// firstThing is a thing of the first form, which held its certificates.
type firstThing struct {
	Policies     []string          `json:"policies"`
	Certificates map[string]Status `json:"certificates"` // status by id
}

// migrate reads the first form. It kept no certificates, only their ids; the
// last one of each thing lies beside its key.
func migrate(b []byte, dir string, now time.Time) (*state, error) {
	things := map[string]firstThing{}
	if err := json.Unmarshal(b, &things); err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	s := &state{Version: version, Things: map[string]Thing{}, Certificates: map[string]Certificate{}, Claims: map[string]Claim{}}
	for _, name := range slices.Sorted(maps.Keys(things)) {
		old := things[name]
		s.Things[name] = Thing{ID: newID(), Version: 1, Created: now}
		for id, status := range old.Certificates {
			c := Certificate{Status: status, Policies: old.Policies, Things: []string{name}, Created: now, Modified: now}
			path := filepath.Join(dir, "things", name, "certificate.pem")
			if cert, err := pki.ReadCertificate(path); err == nil && pki.Fingerprint(cert) == id {
				c.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
			} else if err != nil && !errors.Is(err, os.ErrNotExist) && status == Active {
				return nil, fmt.Errorf("certificate of thing %s: %w", name, err)
			}
			s.Certificates[id] = c
		}
	}
	return s, nil
}
