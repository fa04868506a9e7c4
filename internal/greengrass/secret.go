package greengrass

import (
	"context"
	"fmt"
	"log/slog"
)

// GetSecretValueRequest names a secret that the core has.
type GetSecretValueRequest struct {
	ID           string `json:"secretId"`               // its name or ARN
	VersionID    string `json:"versionId,omitempty"`    // not with VersionStage
	VersionStage string `json:"versionStage,omitempty"` // AWSCURRENT when both are empty
	Refresh      bool   `json:"refresh,omitempty"`      // fetch it from the cloud first
}

// Secret is the value of a secret, which is either text or bytes. It keeps
// itself out of logs and formatted text.
type Secret struct {
	ID            string
	VersionID     string
	VersionStages []string
	Text          string
	Binary        []byte
}

// String says which secret it is.
func (s Secret) String() string { return "secret " + s.ID }

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// GetSecretValue reads a secret; ErrResourceNotFound if the core has none of
// that name. Secrets need the Java nucleus and its component SecretManager.
func (c *Client) GetSecretValue(ctx context.Context, r GetSecretValueRequest) (Secret, error) {
	if r.ID == "" || r.VersionID != "" && r.VersionStage != "" {
		return Secret{}, fmt.Errorf("GetSecretValue: %w: name a secret, and not both a version and a stage", ErrInvalidArguments)
	}
	answer, err := call[struct {
		ID            string   `json:"secretId"`
		VersionID     string   `json:"versionId"`
		VersionStages []string `json:"versionStage"`
		Value         struct {
			Text   string `json:"secretString"`
			Binary []byte `json:"secretBinary"`
		} `json:"secretValue"`
	}](ctx, c, "GetSecretValue", r)
	if err != nil {
		return Secret{}, err
	}
	return Secret{answer.ID, answer.VersionID, answer.VersionStages, answer.Value.Text, answer.Value.Binary}, nil
}
