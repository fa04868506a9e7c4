package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ReplayCmd is the verb replay.
type ReplayCmd struct {
	JSON     bool          `name:"json" help:"Print JSON Lines: each state of each event, last a summary."`
	Annotate string        `placeholder:"OUT" help:"Also make a video (.mp4, .mov, .mkv) that shows what the pipeline saw; with several videos, or a folder, one for each."`
	Loop     time.Duration `placeholder:"D" help:"Repeat each video until this much has been shown, as in 10m."`
	Together bool          `help:"Replay all videos at the same time, as a gateway with so many cameras does."`
	CameraFlags
	Files []string `arg:"" name:"video" help:"Video files or folders of pictures."`
}

// CameraFlags say how a camera is looked at.
type CameraFlags struct {
	Config   string  `type:"path" placeholder:"FILE" help:"YAML file with the settings of one camera: zones, masks, labels."`
	FPS      float64 `name:"fps" placeholder:"N" help:"Pictures a second to look at (default: those of the settings, else 5)."`
	Model    string  `placeholder:"NAME" help:"Model to detect with (default: the best one installed)."`
	MinScore float64 `default:"0.5" placeholder:"S" help:"Score from which on an object counts, where the settings say nothing else."`
	ModelDir
}

func (c *CameraFlags) check() error {
	switch {
	case !(c.FPS >= 0 && c.FPS <= 60):
		return fmt.Errorf("--fps %v: want more than 0 and at most 60", c.FPS)
	case !(c.MinScore > 0 && c.MinScore < 1):
		return fmt.Errorf("--min-score %v: want more than 0 and less than 1", c.MinScore)
	}
	return nil
}

// Validate is called by kong; its errors are wrong usage.
func (c *ReplayCmd) Validate() error {
	if c.Loop < 0 || c.Loop > 24*time.Hour {
		return fmt.Errorf("--loop %v: want up to 24h", c.Loop)
	}
	for _, file := range c.Files {
		if file == "" {
			return errors.New("a video without a name")
		}
		if live(file) {
			return errors.New("replay is for recordings: look at a live source with porchlight camera check")
		}
	}
	return c.check()
}

// live says whether a source plays at its own pace, and without end.
func live(source string) bool {
	return strings.HasPrefix(source, "/dev/video") || regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`).MatchString(source) &&
		!strings.HasPrefix(source, "file://")
}
