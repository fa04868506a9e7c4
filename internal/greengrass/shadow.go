package greengrass

import (
	"context"
	"encoding/json"
	"fmt"
)

// Shadow names a shadow of a thing.
type Shadow struct {
	Thing string
	Name  string // "" is the classic shadow
}

type shadowRequest struct {
	Thing   string  `json:"thingName"`
	Name    string  `json:"shadowName"`
	Payload *[]byte `json:"payload,omitempty"`
}

type shadowAnswer struct {
	Payload []byte `json:"payload"`
}

// GetThingShadow reads a shadow document; ErrResourceNotFound if there is
// none. Shadows need the Java nucleus and its component ShadowManager.
func (c *Client) GetThingShadow(ctx context.Context, s Shadow) (json.RawMessage, error) {
	return c.shadow(ctx, "GetThingShadow", s, nil)
}

// UpdateThingShadow merges a document into a shadow and returns what was
// accepted; ErrConflict if the document names a version that is not the shadow's.
func (c *Client) UpdateThingShadow(ctx context.Context, s Shadow, document json.RawMessage) (json.RawMessage, error) {
	if !json.Valid(document) {
		return nil, fmt.Errorf("UpdateThingShadow: %w: the document is no JSON", ErrInvalidArguments)
	}
	payload := []byte(document)
	return c.shadow(ctx, "UpdateThingShadow", s, &payload)
}

// DeleteThingShadow deletes a shadow; ErrResourceNotFound if there is none.
func (c *Client) DeleteThingShadow(ctx context.Context, s Shadow) error {
	_, err := c.shadow(ctx, "DeleteThingShadow", s, nil)
	return err
}

func (c *Client) shadow(ctx context.Context, operation string, s Shadow, payload *[]byte) (json.RawMessage, error) {
	if s.Thing == "" {
		return nil, fmt.Errorf("%s: %w: name the thing", operation, ErrInvalidArguments)
	}
	answer, err := call[shadowAnswer](ctx, c, operation, shadowRequest{s.Thing, s.Name, payload})
	return answer.Payload, err
}
