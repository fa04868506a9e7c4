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

// reference is the commented YAML in the guide, its first block.
func reference(t *testing.T) string {
	t.Helper()
	blocks := yamlBlocks(t)
	require.NotEmpty(t, blocks, "%s: no ```yaml block; write the reference of all keys there", configurationGuide)
	return blocks[0]
}

func yamlBlocks(t *testing.T) (blocks []string) {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(repository(t)[configurationGuide], -1) {
		blocks = append(blocks, string(block[1]))
	}
	return blocks
}

func TestExamplesAreValid(t *testing.T) {
	for _, example := range yamlBlocks(t)[1:] {
		_, err := config.ParseCamera([]byte(example))
		require.NoError(t, err, "%s: %s", configurationGuide, example)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	text := reference(t)
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &tree))
	whole := reflect.TypeFor[config.Config]()
	require.Equal(t, keysOfType("", whole), keysOfTree("", tree, whole),
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
	users, sensors := map[string]any{}, map[string]any{}
	for name, user := range c.LAN.Users {
		users[name] = map[string]any{"password": user.Password}
	}
	for name, sensor := range c.Sensors {
		sensors[name] = map[string]any{"kind": sensor.Kind, "states": sensor.States}
	}
	tree["lan"], tree["sensors"] = map[string]any{"users": users}, sensors
	cameras := map[string]any{}
	for name, camera := range c.Cameras {
		zones, objects, masks, seen := map[string]any{}, map[string]any{}, []any{}, map[string]any{}
		for name, zone := range camera.Zones {
			zones[name] = map[string]any{"polygon": zone.Polygon.String()}
		}
		for label := range camera.Objects {
			objects[label] = map[string]any{}
		}
		for _, mask := range camera.ObjectMasks {
			masks = append(masks, map[string]any{"polygon": mask.Polygon.String()})
		}
		for label, after := range camera.Upload.Seen {
			seen[label] = after.String()
		}
		cameras[name] = map[string]any{
			"source": camera.Source, "zones": zones, "objects": objects, "object_masks": masks, "aliases": camera.Aliases,
			"upload": map[string]any{"seen": seen},
		}
	}
	tree["cameras"] = cameras
	text, err := yaml.Marshal(tree)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// keysOfType lists the paths of a configuration struct. The names of a map
// and the places of a list of structs are "*".
func keysOfType(path string, t reflect.Type) (keys []string) {
	switch {
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			keys = append(keys, keysOfType(path+"."+t.Field(i).Tag.Get("config"), t.Field(i).Type)...)
		}
	case t.Kind() == reflect.Map, listsSections(t):
		keys = keysOfType(path+".*", t.Elem())
	default:
		return []string{strings.TrimPrefix(path, ".")}
	}
	slices.Sort(keys)
	return keys
}

// listsSections tells a list of sections from one of plain values: polygons
// are lists of structs that have no keys.
func listsSections(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && t.Elem().Field(0).Tag.Get("config") != ""
}

// keysOfTree lists the paths of a tree that is decoded into t.
func keysOfTree(path string, value any, t reflect.Type) (keys []string) {
	switch {
	case t.Kind() == reflect.Struct:
		section, _ := value.(map[string]any)
		for i := range t.NumField() {
			name := t.Field(i).Tag.Get("config")
			if inner, shown := section[name]; shown {
				keys = append(keys, keysOfTree(path+"."+name, inner, t.Field(i).Type)...)
			}
		}
	case t.Kind() == reflect.Map:
		section, _ := value.(map[string]any)
		for _, inner := range section {
			keys = append(keys, keysOfTree(path+".*", inner, t.Elem())...)
		}
	case listsSections(t):
		items, _ := value.([]any)
		for _, inner := range items {
			keys = append(keys, keysOfTree(path+".*", inner, t.Elem())...)
		}
	default:
		return []string{strings.TrimPrefix(path, ".")}
	}
	slices.Sort(keys)
	return keys
}
