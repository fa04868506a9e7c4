package provision

import (
	"encoding/json"
	"errors"

	"porchlight/internal/iot/devicekey"
)

// parseCreated reads the answer to a certificate signing request. A
// certificate for another key is an error: nothing in the answer says for
// whom it is.
func parseCreated(payload []byte, k *devicekey.Key) (pending, error) {
	var answer struct {
		CertificateID string `json:"certificateId"`
		Certificate   string `json:"certificatePem"`
		Token         string `json:"certificateOwnershipToken"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return pending{}, err
	}
	if err := k.Owns(answer.Certificate); err != nil {
		return pending{}, err
	}
	if answer.Token == "" {
		return pending{}, errors.New("it has no ownership token")
	}
	return pending(answer), nil
}

// parseProvisioned reads the answer to a request to be made a thing.
func parseProvisioned(payload []byte) (savedIdentity, error) {
	var answer struct {
		Thing               string            `json:"thingName"`
		DeviceConfiguration map[string]string `json:"deviceConfiguration"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return savedIdentity{}, err
	}
	got := savedIdentity{Thing: answer.Thing, DeviceConfiguration: answer.DeviceConfiguration}
	return got, got.validate()
}
