package store

import (
	"context"
	"fmt"
	"regexp"
)

// certificatePattern is an IoT certificate's id: the SHA-256 of its DER form.
var certificatePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// OwnerOfCertificate returns who claimed the thing that a certificate was given
// to. Errors are ErrNotFound for a certificate that no provisioning knows,
// ErrUnclaimed for a thing that nobody has claimed, and those of reading.
func (s *Store) OwnerOfCertificate(ctx context.Context, id string) (string, error) {
	if !certificatePattern.MatchString(id) {
		return "", fmt.Errorf("certificate: %w: %.80q is not the id of one", ErrNotFound, id)
	}
	it, err := s.get(ctx, "CERT#"+id, "THING")
	if err != nil {
		return "", fmt.Errorf("read thing of certificate %s: %w", id, err)
	}
	thing := text(it, "thing")
	if thing == "" {
		return "", fmt.Errorf("certificate %s: %w: it was not provisioned here", id, ErrNotFound)
	}
	return s.OwnerOf(ctx, thing)
}
