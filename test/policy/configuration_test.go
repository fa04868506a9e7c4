package policy

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

const configurationGuide = "docs/guides/configuration.md"

// reference is the commented YAML in the guide.
func reference(t *testing.T) string {
	t.Helper()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(repository(t)[configurationGuide])
	require.NotNil(t, block, "%s: no ```yaml block; write the reference of all keys there", configurationGuide)
	return string(block[1])
}

func TestEveryKeyIsDescribed(t *testing.T) {
	text := reference(t)
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &tree))
	require.Equal(t, keysOfType("", reflect.TypeFor[config.Config]()), keysOfTree("", tree),
		"%s and internal/config differ in keys; describe each key once", configurationGuide)
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if key == "" || strings.HasPrefix(key, "#") || strings.TrimSpace(value) == "" {
			continue // a comment, or a section
		}
		require.Contains(t, value, " # ", "%s: %s has no comment; say what it is, in which unit, and when to change it", configurationGuide, key)
	}
}

// What the reference shows for a key that may be left out is what leaving it
// out means.
func TestReferenceShowsDefaults(t *testing.T) {
	shown, err := config.Parse([]byte(reference(t)))
	require.NoError(t, err)
	least, err := config.Parse([]byte(required(shown)))
	require.NoError(t, err)
	require.Equal(t, least, shown, "%s shows a value that is not the default", configurationGuide)
}

// required writes only what has no default.
func required(c *config.Config) string {
	tree := map[string]any{
		"thing": c.Thing, "state_dir": c.StateDir,
		"iot": map[string]any{
			"endpoint": c.IoT.Endpoint, "credentials_endpoint": c.IoT.CredentialsEndpoint,
			"role_alias": c.IoT.RoleAlias, "certificate": c.IoT.Certificate, "private_key": c.IoT.PrivateKey,
		},
		"cloud": map[string]any{"thumbnail_bucket": c.Cloud.ThumbnailBucket},
	}
	cameras := map[string]any{}
	for name, camera := range c.Cameras {
		cameras[name] = map[string]any{"source": camera.Source}
	}
	tree["cameras"] = cameras
	text, err := yaml.Marshal(tree)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// keysOfType lists the paths of a configuration struct; a map's keys are "*".
func keysOfType(path string, t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			keys = append(keys, keysOfType(path+"."+t.Field(i).Tag.Get("config"), t.Field(i).Type)...)
		}
	case reflect.Map:
		keys = keysOfType(path+".*", t.Elem())
	default:
		return []string{strings.TrimPrefix(path, ".")}
	}
	slices.Sort(keys)
	return keys
}

func keysOfTree(path string, tree map[string]any) (keys []string) {
	for key, value := range tree {
		if path == ".cameras" {
			key = "*"
		}
		if section, ok := value.(map[string]any); ok {
			keys = append(keys, keysOfTree(path+"."+key, section)...)
			continue
		}
		keys = append(keys, strings.TrimPrefix(path+"."+key, "."))
	}
	slices.Sort(keys)
	return keys
}
