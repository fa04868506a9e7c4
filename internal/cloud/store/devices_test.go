package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
	"porchlight/internal/event"
)

var (
	keyA, keyB   = strings.Repeat("a", 64), strings.Repeat("b", 64)
	cert1, cert2 = strings.Repeat("1", 64), strings.Repeat("2", 64)
)

func TestDeviceFromAllowedToForgotten(t *testing.T) {
	s := fresh(t)
	_, err := s.Device(t.Context(), "007")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.BindDevice(t.Context(), "007", keyA, cert1)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.ErrorIs(t, s.ReopenDevice(t.Context(), "007"), store.ErrNotFound)
	_, err = s.ForgetDevice(t.Context(), "007")
	require.ErrorIs(t, err, store.ErrNotFound, "nothing above has made one")

	d, added, err := s.AllowDevice(t.Context(), "007", "porch", "alice")
	require.NoError(t, err)
	require.True(t, added)
	require.Equal(t, store.Device{Serial: "007", Thing: "porch", Owner: "alice", AllowedAt: event.At(now)}, d)
	for _, name := range []string{"porch", ""} {
		again, added, err := s.AllowDevice(t.Context(), "007", name, "")
		require.NoError(t, err)
		require.False(t, added)
		require.Equal(t, d, again)
	}
	_, _, err = s.AllowDevice(t.Context(), "007", "shed", "")
	require.ErrorIs(t, err, store.ErrOtherThing)
	_, _, err = s.AllowDevice(t.Context(), "007", "porch", "bob")
	require.ErrorIs(t, err, store.ErrOtherThing)

	for _, certificate := range []string{cert1, cert1, cert2} { // the same key, however often
		d, err = s.BindDevice(t.Context(), "007", keyA, certificate)
		require.NoError(t, err)
		require.Equal(t, []string{"porch", keyA, certificate}, []string{d.Thing, d.PublicKey, d.CertificateID})
	}
	for range 2 {
		_, err = s.BindDevice(t.Context(), "007", keyB, cert1)
		require.ErrorIs(t, err, store.ErrOtherKey)
	}
	d, err = s.Device(t.Context(), "007")
	require.NoError(t, err)
	require.Equal(t, 2, d.Refused)
	require.Equal(t, cert2, d.CertificateID, "a refusal changes nothing else")

	require.NoError(t, s.ReopenDevice(t.Context(), "007"))
	d, err = s.BindDevice(t.Context(), "007", keyB, cert1)
	require.NoError(t, err)
	require.Equal(t, keyB, d.PublicKey)
	_, err = s.BindDevice(t.Context(), "007", keyA, cert1)
	require.ErrorIs(t, err, store.ErrOtherKey, "open for one key only")

	list, err := s.Devices(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "007", list[0].Serial)
	_, err = s.ForgetDevice(t.Context(), "007")
	require.NoError(t, err)
	list, err = s.Devices(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestOneOfManyKeysWinsASerial(t *testing.T) {
	s := fresh(t)
	_, _, err := s.AllowDevice(t.Context(), "007", "porch", "")
	require.NoError(t, err)
	errs := make(chan error)
	for _, k := range "abcdef01" {
		go func() {
			_, err := s.BindDevice(context.Background(), "007", strings.Repeat(string(k), 64), cert1)
			errs <- err
		}()
	}
	won := 0
	for range 8 {
		if err := <-errs; err == nil {
			won++
		} else {
			require.ErrorIs(t, err, store.ErrOtherKey)
		}
	}
	require.Equal(t, 1, won)
}

func TestAThingIsOneDevice(t *testing.T) {
	s := fresh(t)
	require.NoError(t, s.ReserveThing(t.Context(), "porch", "007", ""))
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	require.NoError(t, s.ReserveThing(t.Context(), "porch", "007", ""), "the same device, claimed meanwhile")
	require.ErrorIs(t, s.ReserveThing(t.Context(), "porch", "008", "alice"), store.ErrNameTaken)
	require.ErrorIs(t, s.ReserveThing(t.Context(), "porch", "", "alice"), store.ErrNameTaken)

	require.NoError(t, s.Claim(t.Context(), "home", "alice")) // before things were reserved
	require.ErrorIs(t, s.ReserveThing(t.Context(), "home", "009", ""), store.ErrNameTaken)
	require.ErrorIs(t, s.ReserveThing(t.Context(), "home", "009", "bob"), store.ErrNameTaken)
	require.NoError(t, s.ReserveThing(t.Context(), "home", "", ""), "the operator adds it by hand")
	require.NoError(t, s.ReserveThing(t.Context(), "home", "", ""))
	require.ErrorIs(t, s.ReserveThing(t.Context(), "home", "009", "alice"), store.ErrNameTaken)
	require.NoError(t, s.Claim(t.Context(), "shed", "alice"))
	require.NoError(t, s.ReserveThing(t.Context(), "shed", "010", "alice"))
}

func TestACertificateIsOneThings(t *testing.T) {
	s := fresh(t)
	_, err := s.ThingOf(t.Context(), cert1)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.RecordCertificate(t.Context(), cert1, "porch"))
	require.NoError(t, s.RecordCertificate(t.Context(), cert1, "porch"))
	require.NoError(t, s.RecordCertificate(t.Context(), cert2, "porch"))
	require.ErrorIs(t, s.RecordCertificate(t.Context(), cert1, "shed"), store.ErrNameTaken)
	thing, err := s.ThingOf(t.Context(), cert1)
	require.NoError(t, err)
	require.Equal(t, "porch", thing)
}

func TestNothingHostileGetsIntoAKey(t *testing.T) {
	s := fresh(t)
	for _, bad := range []string{"", "a#b", "../x", "ä", strings.Repeat("x", 65), "a\x00"} {
		_, _, err := s.AllowDevice(t.Context(), bad, "porch", "")
		require.ErrorIs(t, err, store.ErrInvalid)
		if bad != "" { // which is the serial
			_, _, err = s.AllowDevice(t.Context(), "007", bad, "")
			require.ErrorIs(t, err, store.ErrInvalid)
		}
		_, err = s.BindDevice(t.Context(), bad, keyA, cert1)
		require.ErrorIs(t, err, store.ErrInvalid)
		require.ErrorIs(t, s.ReserveThing(t.Context(), bad, "007", ""), store.ErrInvalid)
		require.ErrorIs(t, s.RecordCertificate(t.Context(), bad, "porch"), store.ErrInvalid)
		require.ErrorIs(t, s.RecordCertificate(t.Context(), cert1, bad), store.ErrInvalid)
		_, err = s.ThingOf(t.Context(), bad)
		require.ErrorIs(t, err, store.ErrInvalid)
	}
}
