package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"porchlight/internal/onvif"
	"porchlight/internal/onvif/setup"
)

// discovery is one run of camera discover.
type discovery struct {
	*CameraDiscoverCmd
	secret  string // the password
	streams *Streams
	file    *setup.File

	interfaces []string
	found      []*candidate
	problems   []problem
}

// candidate is a camera that was found, and what is to become of it.
type candidate struct {
	device  *onvif.Description
	camera  setup.Camera
	proof   []proof
	unready bool // it could not be proven
}

// proof is a picture of a stream.
type proof struct {
	Stream  string `json:"stream"` // key of the configuration
	Picture string `json:"picture"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
}

// Bounds of a run.
const (
	askAtOnce   = 8
	askMost     = time.Minute // one camera, for everything
	maxSettings = 4 << 20     // bytes of a configuration
)

// openFile reads the configuration that is written to, to know its cameras.
func (d *discovery) openFile() error {
	d.file = &setup.File{}
	if d.Write == "" {
		return nil
	}
	text, err := readLimited(d.Write, maxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if d.file, err = setup.ParseFile(text); err != nil {
		return fmt.Errorf("%s: %w", d.Write, err)
	}
	return nil
}

// readLimited reads a file of no more than so many bytes.
func readLimited(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, nil
}

// search returns the cameras that answer, or those that were named.
func (d *discovery) search(ctx context.Context) (found []onvif.Found, err error) {
	if len(d.Address) > 0 {
		for _, address := range d.Address {
			found = append(found, onvif.Found{Address: address})
		}
		return found, nil
	}
	if isTerminal(d.streams.Stderr) {
		d.tell("looking for cameras …")
	}
	findings, err := onvif.Discover(ctx, onvif.Search{Interfaces: d.Interface, Wait: d.Wait, Log: d.streams.Log})
	if err != nil {
		return nil, err
	}
	d.interfaces = findings.Interfaces
	for _, b := range findings.Broken {
		d.fail(b.Host, "", b.Err)
	}
	return findings.Found, nil
}

// ask has the cameras describe themselves, several at once, and proposes what
// to make of them in the order in which they were found.
func (d *discovery) ask(ctx context.Context, found []onvif.Found) {
	described, faults := make([]*onvif.Description, len(found)), make([]error, len(found))
	free := make(chan struct{}, askAtOnce)
	var asking sync.WaitGroup
	for i, f := range found {
		asking.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			described[i], faults[i] = d.describe(ctx, f.Address)
		})
	}
	asking.Wait()
	for i, f := range found {
		var cameras []setup.Camera
		if faults[i] == nil {
			cameras, faults[i] = setup.Propose(described[i], d.file)
		}
		if faults[i] != nil {
			d.fail(f.Address, cmp.Or(f.Name, f.Hardware), d.cure(faults[i]))
		}
		for _, camera := range cameras {
			d.found = append(d.found, &candidate{device: described[i], camera: camera})
		}
	}
}

func (d *discovery) describe(ctx context.Context, address string) (*onvif.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, askMost)
	defer cancel()
	device, err := onvif.Connect(ctx, onvif.Config{Address: address, User: d.User, Password: d.secret, Log: d.streams.Log})
	if err != nil {
		return nil, err
	}
	defer device.Close()
	return device.Describe(ctx)
}

// cure says which flags help.
func (d *discovery) cure(err error) error {
	if errors.Is(err, onvif.ErrUnauthorized) && d.User == "" {
		return fmt.Errorf("%w: give --user, and the password with --password-file or %s", err, cameraPassword)
	} else if errors.Is(err, onvif.ErrUnauthorized) && d.secret == "" {
		return fmt.Errorf("%w: no password was given: use --password-file or %s", err, cameraPassword)
	}
	return err
}

// ready are the cameras that may be used.
func (d *discovery) ready() (list []*candidate) {
	for _, c := range d.found {
		if !c.unready {
			list = append(list, c)
		}
	}
	return list
}
