package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CameraCmd groups the verbs about cameras.
type CameraCmd struct {
	Discover CameraDiscoverCmd `cmd:"" help:"Find cameras on the network, propose how to use them and prove it with a picture."`
	Check    CameraCheckCmd    `cmd:"" help:"Look at a camera for a while and say what is seen, what is ignored and why, and what moves."`
	Add      CameraAddCmd      `cmd:"" help:"Give one device its identity in the cloud, and the files it runs with."`
	Claim    CameraClaimCmd    `cmd:"" help:"Make a claim certificate, with which many devices get identities of their own."`
	Allow    CameraAllowCmd    `cmd:"" help:"Let devices with these serials use a claim certificate."`
	Serials  CameraSerialsCmd  `cmd:"" help:"Show and withdraw the serials that are allowed."`
}

// CameraCheckCmd is the verb camera check.
type CameraCheckCmd struct {
	JSON bool          `name:"json" help:"Print JSON Lines, boxes in fractions of the picture."`
	Save string        `placeholder:"PICTURE.jpg" help:"Save the most telling picture, with all that was seen, zones and masks drawn in."`
	For  time.Duration `default:"10s" placeholder:"D" help:"How much of the source to look at."`
	CameraFlags
	Source string `arg:"" name:"source" help:"rtsp:// or rtsps:// URL, /dev/videoN, a video file, a picture or a folder of pictures."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *CameraCheckCmd) Validate() error {
	switch {
	case c.Source == "":
		return errors.New("a source without a name")
	case c.For < time.Second || c.For > time.Hour:
		return fmt.Errorf("--for %v: want 1s to 1h", c.For)
	case c.Save != "" && !slices.Contains([]string{".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(c.Save))):
		return fmt.Errorf("--save %s: want a name that ends in .jpg", c.Save)
	}
	return c.check()
}
