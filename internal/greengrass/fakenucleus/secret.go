package fakenucleus

import (
	"errors"
	"slices"
)

// Secret is what the core has of one: text or bytes.
type Secret struct {
	VersionID string
	Stages    []string
	Text      string
	Binary    []byte
}

// SetSecret gives the core a secret.
func (n *Nucleus) SetSecret(id string, s Secret) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.secrets[id] = s
}

func (n *Nucleus) getSecretValue(r call) (any, error) {
	q, err := parse[struct {
		ID      string `json:"secretId"`
		Version string `json:"versionId"`
		Stage   string `json:"versionStage"`
		Refresh bool   `json:"refresh"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if err := n.authorize(r, q.ID); err != nil {
		return nil, err
	}
	if q.ID == "" || q.Version != "" && q.Stage != "" {
		return nil, errors.New("secretId, and not both versionId and versionStage")
	}
	if q.Version == "" && q.Stage == "" {
		q.Stage = "AWSCURRENT"
	}
	s, known := n.secrets[q.ID]
	if !known || q.Version != "" && q.Version != s.VersionID || q.Stage != "" && !slices.Contains(s.Stages, q.Stage) {
		return nil, ModeledError{"ResourceNotFoundError", "no such secret"}
	}
	value := map[string]any{"secretString": s.Text}
	if s.Binary != nil {
		value = map[string]any{"secretBinary": s.Binary}
	}
	return map[string]any{"secretId": q.ID, "versionId": s.VersionID, "versionStage": s.Stages, "secretValue": value}, nil
}
