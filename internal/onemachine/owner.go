package onemachine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/oidc"
)

func passwordFile(data string) string { return filepath.Join(data, "sign-in.txt") }

// ensureOwner makes the first owner at the first start, with a password that
// only the file holds.
func ensureOwner(cloud *localcloud.Cloud, data, email string) (oidc.User, error) {
	find := func() (oidc.User, bool, error) {
		users, err := cloud.Users()
		for _, u := range users {
			if strings.EqualFold(u.Email, email) {
				return u, true, err
			}
		}
		return oidc.User{}, false, err
	}
	if u, ok, err := find(); ok || err != nil {
		return u, err
	}
	password := NewPassword()
	text := fmt.Sprintf("e-mail:   %s\npassword: %s\n", email, password)
	if err := os.WriteFile(passwordFile(data), []byte(text), 0o600); err != nil {
		return oidc.User{}, fmt.Errorf("keep the owner's password: %w", err)
	}
	sub, err := cloud.AddUser(email, password)
	return oidc.User{Sub: sub, Email: email}, err
}

// NewPassword makes one with at least 128 bits that has every kind of
// character a pool may ask for.
func NewPassword() string { return rand.Text() + "-" + strings.ToLower(rand.Text()[:4]) + "9a" }

// ErrLocked means that another process runs on the same data folder.
var ErrLocked = errors.New("in use by another porchlight: stop that one, or choose another folder with --data")

// lock keeps two processes from running on one data folder. The kernel drops
// it when the process ends, however it ends.
func lock(data string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("data folder %s: %w", data, ErrLocked)
	}
	return func() { f.Close() }, nil
}
