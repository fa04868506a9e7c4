package recipe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/publish/recipe"
	"porchlight/recipes"
)

func filled(t *testing.T, template []byte) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse(template)
	require.NoError(t, err)
	r.Fill(map[string]string{"BUCKET_NAME": "parts", "COMPONENT_NAME": r.Name(), "COMPONENT_VERSION": "1.2.3"})
	return r
}

func camera(t *testing.T) string {
	t.Helper()
	text, err := filled(t, recipes.Camera()).YAML()
	require.NoError(t, err)
	return string(text)
}

// faultsOf checks a recipe, read or not.
func faultsOf(text string, n recipe.Nucleus) error {
	r, err := recipe.Parse([]byte(text))
	if err != nil {
		return err
	}
	return r.Check(n)
}

func TestCommittedRecipesAreValid(t *testing.T) {
	require.NoError(t, filled(t, recipes.Camera()).Check(recipe.Both))
	require.NoError(t, filled(t, recipes.Models()).Check(recipe.Both))
	java := filled(t, recipes.Camera())
	over, err := recipe.Parse(recipes.CameraJava())
	require.NoError(t, err)
	require.NoError(t, java.Merge(over))
	require.NoError(t, java.Check(recipe.Java))
	require.ErrorContains(t, java.Check(recipe.Both), "Manifests[0].Lifecycle.run.Script: \"{porchlight.Models:artifacts:path}\", which nucleus lite does not fill in")
}

func TestEachFaultHasPathAndCure(t *testing.T) {
	const policy = `ComponentConfiguration.DefaultConfiguration.accessControl["aws.greengrass.ipc.mqttproxy"]["porchlight.Camera:mqttproxy:1"]`
	type edit struct{ old, new, want string }
	for name, e := range map[string]edit{
		"misspelt top key":    {"Manifests:", "Manifestz:", "Manifestz: unknown key: did you mean Manifests?"},
		"missing top key":     {"Manifests:", "Manifestz:", "Manifests: missing: write it"},
		"misspelt step":       {"install:", "instal:", "Manifests[0].Lifecycle.instal: unknown key: did you mean install?"},
		"case":                {"- Uri:", "- URI:", "Manifests[0].Artifacts[0].URI: unknown key: write Uri: nucleus lite tells capitals"},
		"permission":          {`Read: "ALL"`, "Read: EVERY", `Manifests[0].Artifacts[0].Permission.Read: "EVERY": choose one of NONE, OWNER, ALL`},
		"digest":              {`Unarchive: "ZIP"`, "Digest: abc", "Manifests[0].Artifacts[0].Digest: unknown key: remove it: the service computes it"},
		"runtime":             {`      runtime: "*"` + "\n", "", `Manifests[0].Platform.runtime: missing: write runtime: "*"`},
		"go's name":           {`architecture: "aarch64"`, "architecture: arm64", `Manifests[1].Platform.architecture: "arm64": write aarch64`},
		"architecture":        {`architecture: "amd64"`, "architecture: mips", `Manifests[0].Platform.architecture: "mips": choose one of amd64, aarch64`},
		"os":                  {`os: "linux"`, "os: plan9", `Manifests[0].Platform.os: "plan9": choose one of linux`},
		"regular expression":  {`architecture: "amd64"`, "architecture: /a.*/", "Manifests[0].Platform.architecture: a regular expression, which nucleus lite does not know"},
		"same platform":       {`architecture: "aarch64"`, "architecture: amd64", "Manifests[1].Platform: the same platform as Manifests[0]: remove one"},
		"version":             {`ComponentVersion: "1.2.3"`, "ComponentVersion: v1.2", `ComponentVersion: "v1.2": write a semantic version like 1.2.3`},
		"long version":        {`ComponentVersion: "1.2.3"`, "ComponentVersion: 1.2.3-" + strings.Repeat("a", 64), "ComponentVersion: 70 characters: keep it to 64"},
		"name":                {`ComponentName: "porchlight.Camera"`, "ComponentName: porchlight camera", `ComponentName: "porchlight camera": want the form`},
		"format":              {`RecipeFormatVersion: "2020-01-25"`, "RecipeFormatVersion: 2021-01-01", "RecipeFormatVersion: \"2021-01-01\": write 2020-01-25"},
		"placeholder":         {"s3://parts/", "s3://BUCKET_NAME/", "Manifests[0].Artifacts[0].Uri: the placeholder BUCKET_NAME: publish with"},
		"uri":                 {"s3://parts/", "https://parts/", `Manifests[0].Artifacts[0].Uri: "https://parts/`},
		"unarchive":           {"camera-linux-amd64.zip", "camera-linux-amd64.tar", "Manifests[0].Artifacts[0].Unarchive: ZIP for the file"},
		"plugin":              {"aws.greengrass.TokenExchangeService", "aws.greengrass.ShadowManager", `ComponentDependencies["aws.greengrass.ShadowManager"]: a plugin that nucleus lite cannot run`},
		"requirement":         {`VersionRequirement: ">=0.0.0"`, "VersionRequirement: latest", `.VersionRequirement: "latest": write a range like`},
		"kind":                {"aws.greengrass.generic", "aws.greengrass.plugin", `ComponentType: "aws.greengrass.plugin": write aws.greengrass.generic`},
		"shutdown":            {"      run:", "      shutdown:", "Manifests[0].Lifecycle.shutdown: a step that nucleus lite never runs"},
		"skip":                {"      run:\n", "      run:\n        Skipif: exists /x\n", "Manifests[0].Lifecycle.run.Skipif: nucleus lite runs the step all the same"},
		"two starts":          {"      run:\n", "      startup: {Script: a}\n      run:\n", "Manifests[0].Lifecycle: both run and startup: keep one"},
		"no script":           {"      run:\n", "      bootstrap: {Timeout: 5}\n      run:\n", "Manifests[0].Lifecycle.bootstrap.Script: missing"},
		"timeout":             {"      run:\n", "      run:\n        Timeout: soon\n", `Manifests[0].Lifecycle.run.Timeout: "soon": want the form`},
		"variable":            {"{kernel:rootPath}", "{kernel:root}", `Manifests[0].Lifecycle.run.Script: "{kernel:root}" is no variable: use one of artifacts:path, `},
		"configuration":       {"-log json", "-log {configuration:/detector/log}", `Manifests[0].Lifecycle.run.Script: there is no configuration "/detector/log"`},
		"long script":         {"-log json", "-log " + strings.Repeat("x", 10_000), "Manifests[0].Lifecycle.run.Script: it has 1"},
		"operation":           {"aws.greengrass#PublishToIoTCore", "aws.greengrass#PublishToTopic", policy + `.operations[0]: "aws.greengrass#PublishToTopic" is no operation of this service`},
		"operation's prefix":  {"aws.greengrass#PublishToIoTCore", "PublishToIoTCore", policy + `.operations[0]:`},
		"service":             {"aws.greengrass.ipc.mqttproxy:", "aws.greengrass.ipc.mqtt:", `accessControl["aws.greengrass.ipc.mqtt"]: unknown key`},
		"policy's name":       {"porchlight.Camera:mqttproxy:1", "mine", "a policy name that may not be unique: begin the name with porchlight.Camera:"},
		"no value":            {`thing: ""`, "thing:", "ComponentConfiguration.DefaultConfiguration.thing: no value"},
		"anchor":              {`thing: ""`, `thing: &a ""`, "the recipe: it has an anchor"},
		"tag":                 {`thing: ""`, `thing: !!binary aGVsbG8=`, "the recipe: it has a tag"},
		"infinity":            {`thing: ""`, `thing: .inf`, "ComponentConfiguration.DefaultConfiguration.thing: not a finite number"},
		"two keys":            {`thing: ""`, "thing: a\n    thing: b", "not readable as YAML"},
		"lite's policy bytes": {"porchlight/v1/*", strings.Repeat("p", 4100), `["aws.greengrass.ipc.pubsub"]: 4`},
		"size":                {`thing: ""`, "thing: " + strings.Repeat("p", recipe.MaxBytes), fmt.Sprintf("keep it to %d", recipe.MaxBytes)},
		"two documents":       {"Manifests:", "---\nManifests:", "the recipe: it has 2 YAML documents: write exactly one"},
	} {
		t.Run(name, func(t *testing.T) {
			good := camera(t)
			bad := strings.Replace(good, e.old, e.new, 1)
			require.NotEqual(t, good, bad, "the edit does nothing")
			err := faultsOf(bad, recipe.Both)
			require.ErrorIs(t, err, recipe.ErrInvalid)
			require.ErrorContains(t, err, e.want)
			var rule *recipe.RuleError
			require.True(t, errors.As(err, &rule))
			require.NotEmpty(t, rule.Cure)
		})
	}
}

func TestConfigurationThatLiteCannotRead(t *testing.T) {
	deep := strings.Repeat("{a: ", 16) + "1" + strings.Repeat("}", 16)
	many := make([]string, 126)
	for i := range many {
		many[i] = fmt.Sprintf("k%d: {}", i)
	}
	for value, want := range map[string]string{
		deep:                                 "17 levels, which nucleus lite cannot read",
		"{" + strings.Join(many, ", ") + "}": "keys, values and list items, which nucleus lite cannot read at once: keep to 251",
	} {
		text := strings.Replace(camera(t), `thing: ""`, "thing: "+value, 1)
		require.ErrorContains(t, faultsOf(text, recipe.Both), want)
		require.NoError(t, faultsOf(text, recipe.Java))
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	text := strings.NewReplacer(`Read: "ALL"`, "Read: SOME", `      runtime: "*"`+"\n", "").Replace(camera(t))
	err := faultsOf(text, recipe.Both)
	for _, want := range []string{"Manifests[0].Platform.runtime", "Manifests[1].Platform.runtime", "Manifests[0].Artifacts[0]", "Manifests[1].Artifacts[0]"} {
		require.ErrorContains(t, err, want)
	}
}

func TestJavaMayDoMore(t *testing.T) {
	text := strings.NewReplacer(`      runtime: "*"`+"\n", "", "      run:", "      shutdown: {Script: \"true\", Timeout: \"15\"}\n      run:",
		`architecture: "amd64"`, "architecture: /amd64|x86/", "aws.greengrass.TokenExchangeService", "aws.greengrass.SecretManager").Replace(camera(t))
	require.NoError(t, faultsOf(text, recipe.Java))
	require.Error(t, faultsOf(text, recipe.Both))
}

func TestShellExpansionIsNoVariable(t *testing.T) {
	require.NoError(t, faultsOf(strings.Replace(camera(t), "-log json", "-log ${FORMAT:-json}", 1), recipe.Both))
}

func TestKeepAndAddArtifacts(t *testing.T) {
	r := filled(t, recipes.Models())
	r.Keep([]string{"arm64"})
	require.NoError(t, r.AddArtifacts([]string{"a.onnx", "b.onnx"}))
	require.Equal(t, []string{"SHA256SUMS", "a.onnx", "b.onnx"}, r.Files())
	text, err := r.YAML()
	require.NoError(t, err)
	require.NotContains(t, string(text), "amd64")
	require.Contains(t, string(text), "s3://parts/porchlight.Models/1.2.3/b.onnx")
	require.NoError(t, r.Check(recipe.Both))
	r.Keep([]string{"riscv64"})
	require.ErrorContains(t, r.Check(recipe.Both), "Manifests: empty: write at least one")
}

func TestOverlayMustFit(t *testing.T) {
	r := filled(t, recipes.Camera())
	over, err := recipe.Parse([]byte("Manifests: [{Platform: {os: windows}}]"))
	require.NoError(t, err)
	require.ErrorContains(t, r.Merge(over), "Manifests[0].Platform: the recipe below has no such platform")
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "[]", "a", "a: [", "a: *b", "\x00", "a: {<<: {b: c}}", "? [a]\n: b", "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		_, err := recipe.Parse([]byte(text))
		require.ErrorIs(t, err, recipe.ErrInvalid, "%q", text)
	}
}

// FuzzParse: whatever is read can be checked, written and read again.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := recipe.Parse(data)
		if err != nil {
			require.ErrorIs(t, err, recipe.ErrInvalid)
			return
		}
		if err := r.Check(recipe.Both); err != nil {
			require.ErrorIs(t, err, recipe.ErrInvalid)
			return
		}
		text, err := r.YAML()
		require.NoError(t, err)
		again, err := recipe.Parse(text)
		require.NoError(t, err, "%s", text)
		one, err := json.Marshal(r.Value())
		require.NoError(t, err)
		two, err := json.Marshal(again.Value())
		require.NoError(t, err)
		require.JSONEq(t, string(one), string(two))
	})
}
