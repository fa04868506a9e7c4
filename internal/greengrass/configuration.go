package greengrass

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// GetConfigurationRequest names a value of a component's configuration.
type GetConfigurationRequest struct {
	Component string   // "" is the own one
	KeyPath   []string // the whole configuration when empty
}

// Configuration is a value of a component's configuration.
type Configuration struct {
	Component string
	// Value is the object at the key path; a value that is none comes in an object
	// of one key, see Leaf. The nuclei differ in types: on nucleus lite numbers
	// and booleans of a YAML recipe are strings, on the Java one whole numbers
	// may have a fraction; and there the case of keys does not matter.
	Value json.RawMessage
	path  []string
}

// Leaf is the value itself where it was wrapped in an object under the last
// key of the path. An object whose only key has the name of its parent looks
// the same.
func (c Configuration) Leaf() (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if len(c.path) == 0 || json.Unmarshal(c.Value, &object) != nil || len(object) != 1 {
		return nil, false
	}
	for key, value := range object {
		if strings.EqualFold(key, c.path[len(c.path)-1]) {
			return value, true
		}
	}
	return nil, false
}

// GetConfiguration reads a value; ErrResourceNotFound if there is none.
// Nucleus lite cannot answer more than 255 values and keys at once: read large
// configurations in parts.
func (c *Client) GetConfiguration(ctx context.Context, r GetConfigurationRequest) (Configuration, error) {
	answer, err := call[struct {
		Component string          `json:"componentName"`
		Value     json.RawMessage `json:"value"`
	}](ctx, c, "GetConfiguration", configurationPath{r.Component, path(r.KeyPath)})
	if err != nil {
		return Configuration{}, err
	}
	return Configuration{answer.Component, answer.Value, r.KeyPath}, nil
}

type configurationPath struct {
	Component string   `json:"componentName,omitempty"`
	KeyPath   []string `json:"keyPath"`
}

// path is never null in JSON.
func path(keys []string) []string { return append([]string{}, keys...) }

// UpdateConfigurationRequest merges a value into the own configuration.
type UpdateConfigurationRequest struct {
	KeyPath []string // where; accessControl cannot be written
	Value   any      // what, as JSON
	// Time of the change: one that is older than the value there is ignored.
	// Now when zero.
	Time time.Time
}

// UpdateConfiguration merges a value into the own configuration.
func (c *Client) UpdateConfiguration(ctx context.Context, r UpdateConfigurationRequest) error {
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	_, err := call[nothing](ctx, c, "UpdateConfiguration", struct {
		KeyPath   []string        `json:"keyPath"`
		Timestamp json.RawMessage `json:"timestamp"`
		Value     any             `json:"valueToMerge"`
	}{path(r.KeyPath), timestamp(r.Time), r.Value})
	return err
}

// timestamp in seconds. Nucleus lite refuses one without a fraction.
func timestamp(t time.Time) json.RawMessage {
	return fmt.Appendf(nil, "%.3f", float64(t.UnixMilli())/1000)
}

// ConfigurationUpdate says that a value changed, not to what: wait until no more come
// for a moment, as there is one for each value, and read again.
type ConfigurationUpdate struct {
	Component string   `json:"componentName"`
	KeyPath   []string `json:"keyPath"`
}

type configurationEvent struct {
	Update *ConfigurationUpdate `json:"configurationUpdateEvent"`
}

// SubscribeToConfigurationUpdate tells of changes at and below a path. After
// every renewal there is one event for the path itself. When a component is upgraded
// nucleus lite tells the old process of the new configuration before it stops it.
func (c *Client) SubscribeToConfigurationUpdate(ctx context.Context, r GetConfigurationRequest) (*Subscription[ConfigurationUpdate], error) {
	missed, err := json.Marshal(configurationEvent{&ConfigurationUpdate{r.Component, path(r.KeyPath)}})
	if err != nil {
		return nil, err
	}
	return subscribe(ctx, c, "SubscribeToConfigurationUpdate", configurationPath{r.Component, path(r.KeyPath)},
		decodeConfigurationUpdate, func() []byte { return missed })
}

func decodeConfigurationUpdate(payload []byte) (ConfigurationUpdate, error) {
	var event configurationEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return ConfigurationUpdate{}, fmt.Errorf("%w: a configuration event: %w", ErrProtocol, err)
	}
	if event.Update == nil {
		return ConfigurationUpdate{}, fmt.Errorf("%w: a configuration event without one", ErrProtocol)
	}
	return *event.Update, nil
}
