package main

import "fmt"

// FacesCmd groups the verbs about faces.
type FacesCmd struct {
	Detect   FacesDetectCmd   `cmd:"" help:"Find faces and their landmarks in pictures and videos."`
	Enroll   FacesEnrollCmd   `cmd:"" help:"Remember a person's face from pictures that show nobody else. Pictures are not kept, only numbers made of the face."`
	List     FacesListCmd     `cmd:"" help:"Show whose faces are remembered."`
	Remove   FacesRemoveCmd   `cmd:"" help:"Forget a person and all that was made of the face."`
	Identify FacesIdentifyCmd `cmd:"" help:"Say whose faces pictures and videos show."`
}

// FacesDetectCmd is the verb faces detect.
type FacesDetectCmd struct {
	JSON    bool   `name:"json" help:"Print JSON Lines, boxes and landmarks in pixels."`
	Model   string `default:"mtcnn" placeholder:"NAME" help:"Model to find faces with: mtcnn finds the most, yunet is faster (default: ${default})."`
	MinFace int    `default:"20" placeholder:"PX" help:"Leave out smaller faces (default: ${default} pixels)."`
	ModelDir
	Files []string `arg:"" name:"file" help:"Pictures (JPEG, PNG) or videos."`
}

// Validate is called by kong; its errors are wrong usage.
func (c *FacesDetectCmd) Validate() error {
	if c.MinFace < 1 {
		return fmt.Errorf("--min-face %d: want a number of pixels", c.MinFace)
	}
	return nil
}
