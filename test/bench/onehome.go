package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"porchlight/internal/event"
	"porchlight/internal/onemachine"
)

// home is all of Porchlight running, as porchlight up runs it.
type home struct {
	owner *api
	data  string // folder
	stop  func() error
}

const homeThing = "home"

// startHome returns once everything serves. Each state of each event is told
// to told, with the time at which the component said it.
func (b *bench) startHome(ctx context.Context, name string, cameras map[string]string, log *slog.Logger,
	told func(event.Event, time.Time),
) (*home, error) {
	data := filepath.Join(b.data, name)
	config := filepath.Join(b.data, name+".yaml")
	if err := os.WriteFile(config, []byte("detector: {model: "+b.footage.model+"}\n"), 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	lines, stdout := io.Pipe()
	ready := make(chan onemachine.Ready, 1)
	ended := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { readEvents(lines, told) })
	running.Go(func() {
		ended <- onemachine.Run(ctx, onemachine.Options{
			Installation: b.install, Data: data, Listen: loopback(), Thing: homeThing, Owner: ownerEmail,
			Config: config, Cameras: cameras, Models: b.footage.models, Log: log, Stdout: stdout, JSON: true,
			Step: func(string, ...any) {}, Ready: func(r onemachine.Ready) { ready <- r },
		})
		_ = stdout.Close() // of a pipe: never fails
	})
	h := &home{data: data, stop: func() error {
		cancel()
		running.Wait()
		return <-ended
	}}
	select {
	case r := <-ready:
		password, err := readPassword(r.Password)
		if err == nil {
			h.owner, err = signIn(ctx, r.App, r.Issuer, r.ClientID, password)
		}
		if err != nil {
			return nil, errors.Join(err, h.stop())
		}
		return h, nil
	case err := <-ended:
		ended <- err
		return nil, h.stop()
	}
}

func readEvents(r io.Reader, told func(event.Event, time.Time)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		at := time.Now()
		var e event.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil && e.EventID != "" {
			told(e, at)
		}
	}
	_, _ = io.Copy(io.Discard, r)
}

// readPassword reads the file that tells a new owner how to sign in.
func readPassword(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if password, ok := strings.CutPrefix(line, "password:"); ok {
			return strings.TrimSpace(password), nil
		}
	}
	return "", fmt.Errorf("%s holds no password", file)
}
