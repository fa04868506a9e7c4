package store

import "context"

// OwnerOfCertificate returns who claimed the thing whose certificate it is.
// Errors are ErrNotFound for a certificate that no provisioning knows,
// ErrUnclaimed for a thing that nobody has claimed, ErrInvalid for what is no
// certificate's id, and those of reading.
func (s *Store) OwnerOfCertificate(ctx context.Context, id string) (string, error) {
	thing, err := s.ThingOf(ctx, id)
	if err != nil {
		return "", err
	}
	return s.OwnerOf(ctx, thing)
}
