package main

import "fmt"

// DetectCmd is the verb detect.
type DetectCmd struct {
	JSON     bool    `name:"json" help:"Print JSON Lines, boxes in pixels."`
	Model    string  `placeholder:"NAME" help:"Model to detect with (default: the best one installed)."`
	MinScore float64 `placeholder:"S" help:"Leave out what scores no more, 0 to 1 (default: the model's own)."`
	ModelDir
	Files []string `arg:"" name:"file" help:"Pictures (JPEG, PNG) or videos."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *DetectCmd) Validate() error {
	if !(c.MinScore >= 0 && c.MinScore < 1) {
		return fmt.Errorf("--min-score %v: want 0 or more and less than 1", c.MinScore)
	}
	return nil
}
