package recipes_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/publish/recipe"
	"porchlight/recipes"
)

func defaultConfiguration(t *testing.T) map[string]any {
	t.Helper()
	r, err := recipe.Parse(recipes.Camera())
	require.NoError(t, err)
	configuration, ok := r.Value()["ComponentConfiguration"].(map[string]any)["DefaultConfiguration"].(map[string]any)
	require.True(t, ok)
	delete(configuration, "accessControl")
	return configuration
}

// keys of a configuration struct; those of a camera are not listed, because no
// camera is there by default.
func keys(path string, t reflect.Type) (list []string) {
	for i := range t.NumField() {
		at := path + "." + t.Field(i).Tag.Get("config")
		if t.Field(i).Type.Kind() == reflect.Struct {
			list = append(list, keys(at, t.Field(i).Type)...)
		} else {
			list = append(list, strings.TrimPrefix(at, "."))
		}
	}
	return list
}

func keysOf(path string, tree map[string]any) (list []string) {
	for key, value := range tree {
		if inner, ok := value.(map[string]any); ok && len(inner) > 0 {
			list = append(list, keysOf(path+"."+key, inner)...)
		} else {
			list = append(list, strings.TrimPrefix(path+"."+key, "."))
		}
	}
	return list
}

func TestDefaultConfigurationHasEveryKey(t *testing.T) {
	want, got := keys("", reflect.TypeFor[config.Config]()), keysOf("", defaultConfiguration(t))
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got, "recipes/camera/recipe.yaml and internal/config differ in keys; add or remove them")
}

// required is what has no default: the owner's, and what the nucleus knows.
const required = `
thing: home
state_dir: state
cloud: {thumbnail_bucket: t, region: us-east-1}
`

func TestDefaultConfigurationIsTheDefault(t *testing.T) {
	want, err := config.Parse([]byte(required))
	require.NoError(t, err)
	want.Cameras, want.Sensors = map[string]config.Camera{}, map[string]config.Sensor{}
	want.LAN.Users = map[string]config.LANUser{}

	shipped := defaultConfiguration(t)
	var owner map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(required), &owner))
	overlay(shipped, owner)
	text, err := json.Marshal(shipped)
	require.NoError(t, err)
	got, err := config.Parse(text)
	require.NoError(t, err)
	require.Equal(t, want, got, "recipes/camera/recipe.yaml shows a value that is not the default")
}

func overlay(base, over map[string]any) {
	for key, value := range over {
		inner, isMap := value.(map[string]any)
		below, alsoMap := base[key].(map[string]any)
		if isMap && alsoMap {
			overlay(below, inner)
		} else {
			base[key] = value
		}
	}
}

// The GDK knows a component by the name in its configuration, which must be
// the recipe's, and builds it with our own program.
func TestGDKConfigurations(t *testing.T) {
	for folder, template := range map[string][]byte{"camera": recipes.Camera(), "models": recipes.Models()} {
		raw, err := os.ReadFile(folder + "/gdk-config.json")
		require.NoError(t, err)
		var c struct {
			Component map[string]struct {
				Author, Version string
				Build           struct {
					System  string   `json:"build_system"`
					Command []string `json:"custom_build_command"`
				}
				Publish struct{ Bucket, Region string }
			}
			GDKVersion string `json:"gdk_version"`
		}
		require.NoError(t, json.Unmarshal(raw, &c))
		r, err := recipe.Parse(template)
		require.NoError(t, err)
		require.Len(t, c.Component, 1, "the GDK builds one component of a project")
		component, ok := c.Component[r.Name()]
		require.True(t, ok, "%s/gdk-config.json does not name %s", folder, r.Name())
		require.Equal(t, "custom", component.Build.System)
		require.Equal(t, []string{"porchlight", "publish", "--component", folder, "--version", component.Version, "--out", "greengrass-build"}, component.Build.Command)
		require.NotEmpty(t, component.Author)
		require.NotEmpty(t, component.Publish.Bucket)
		require.NotEmpty(t, component.Publish.Region)
		require.Regexp(t, `^\d+\.\d+\.\d+$`, c.GDKVersion)
	}
}
