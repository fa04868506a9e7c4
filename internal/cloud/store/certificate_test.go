package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
)

func TestOwnerOfCertificate(t *testing.T) {
	s := fresh(t)
	id, unclaimed := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	for certificate, thing := range map[string]string{id: "porch", unclaimed: "shed"} {
		require.NoError(t, s.RecordCertificate(t.Context(), certificate, thing))
	}
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	owner, err := s.OwnerOfCertificate(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
	_, err = s.OwnerOfCertificate(t.Context(), unclaimed)
	require.ErrorIs(t, err, store.ErrUnclaimed)
	_, err = s.OwnerOfCertificate(t.Context(), strings.Repeat("0c", 32))
	require.ErrorIs(t, err, store.ErrNotFound)
	for _, other := range []string{"", "porch", strings.ToUpper(id), id + "0"} {
		_, err = s.OwnerOfCertificate(t.Context(), other)
		require.ErrorIs(t, err, store.ErrInvalid, other)
	}
}
