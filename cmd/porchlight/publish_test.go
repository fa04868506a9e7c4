package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"porchlight/internal/publish/recipe"
	"porchlight/internal/vision/visiontest"
	"porchlight/recipes"
)

func readRecipe(t *testing.T, encoded string, into any) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || yaml.Unmarshal(raw, into) != nil {
		t.Errorf("not a recipe: %q", encoded)
	}
}

// dryRun is a dry run of the camera component.
func dryRun(dir string, more ...string) []string {
	return append([]string{"publish", "--dry-run", "--component", "camera", "--bucket", "parts", "--version", "1.2.3", "--binary", dir}, more...)
}

// The golden file is what a person reads, but for sizes and digests, which a
// newer compressor may change.
func TestPublishDryRunPrintsEverything(t *testing.T) {
	r := porchlight(t, dryRun(programs(t), "--arch", "amd64,arm64", "--deploy-to", "thinggroup/homes")...)
	require.Equal(t, 0, r.code, r.stderr)
	got := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(r.stdout, "<digest>")
	got = regexp.MustCompile(`\d+ bytes, SHA`).ReplaceAllString(got, "<n> bytes, SHA")
	const golden = "testdata/publish-dry-run.golden"
	if os.Getenv("PORCHLIGHT_UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run with PORCHLIGHT_UPDATE_GOLDEN=1 if the change is meant")

	again := porchlight(t, dryRun(programs(t), "--arch", "arm64,amd64", "--deploy-to", "thinggroup/homes")...)
	require.Equal(t, r.stdout, again.stdout, "the same files make the same artifacts and digests")
}

func TestPublishDryRunPassesTheSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(recipe.Schema()))
	require.NoError(t, err)
	require.NoError(t, compiler.AddResource("recipe.json", document))
	schema, err := compiler.Compile("recipe.json")
	require.NoError(t, err)
	for _, nucleus := range []string{"both", "java"} {
		r := porchlight(t, dryRun(programs(t), "--arch", "amd64,arm64", "--nucleus", nucleus)...)
		require.Equal(t, 0, r.code, r.stderr)
		var read any
		require.NoError(t, yaml.Unmarshal([]byte(r.stdout), &read), "the whole output is YAML")
		require.NoError(t, schema.Validate(read))

		r = porchlight(t, dryRun(programs(t), "--arch", "amd64,arm64", "--nucleus", nucleus, "--json")...)
		first, _, _ := strings.Cut(r.stdout, "\n")
		var line plannedComponent
		require.NoError(t, json.Unmarshal([]byte(first), &line))
		require.Equal(t, read, any(line.Recipe), "both forms show the same recipe")
		require.Len(t, line.Artifacts, 2)
		require.Equal(t, "s3://parts/porchlight.Camera/1.2.3/camera-linux-amd64.zip", line.Artifacts[0].URI)
	}
}

func TestPublishRefuses(t *testing.T) {
	dir := programs(t)
	swapped := t.TempDir()
	require.NoError(t, os.Rename(filepath.Join(programs(t), "linux-amd64"), filepath.Join(swapped, "linux-arm64")))
	text := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(text, "camera"), []byte("#!/bin/sh"), 0o755))
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "--bucket", []string{"publish", "--dry-run", "--version", "1.0.0"}},
		{2, `choose amd64 or arm64`, dryRun(dir, "--arch", "riscv64")},
		{2, `the camera component's version is "1.0": give one like 1.2.3`, dryRun(dir, "--version", "1.0")},
		{2, `bad deployment target "a/b"`, dryRun(dir, "--deploy-to", "a/b")},
		{2, "--out builds one --component", []string{"publish", "--out", t.TempDir()}},
		{1, `bucket "My Bucket": want the name of an S3 bucket`, dryRun(dir, "--bucket", "My Bucket")},
		{1, "is for EM_X86_64: for linux/arm64 it must be for EM_AARCH64", dryRun(swapped, "--arch", "arm64")},
		{1, "it is no Linux program", dryRun(text)},
		{1, "put the program for linux/amd64 there", dryRun(t.TempDir(), "--arch", "amd64,arm64")},
	} {
		r := porchlight(t, c.args...)
		require.Equal(t, c.code, r.code, "%v: %s", c.args, r.stderr)
		require.Contains(t, r.stderr, c.want)
		require.Empty(t, r.stdout)
	}
}

func TestPublishRefusesARecipeWithPathAndCure(t *testing.T) {
	dir := programs(t)
	for want, edit := range map[string][2]string{
		"Manifestz: unknown key: did you mean Manifests?":                                    {"\nManifests:", "\nManifestz:"},
		`Manifests[0].Artifacts[0].Permission.Read: "EVERY": choose one of NONE, OWNER, ALL`: {"Read: ALL", "Read: EVERY"},
		"the recipe: it has 19": {`thing: ""`, "thing: " + strings.Repeat("x", 14<<10)},
		`Manifests[0].Platform.runtime: missing: write runtime: "*": nucleus lite passes over a manifest without`: {`      runtime: "*"` + "\n", ""},
		"Manifests[0].Platform.os":         {"os: linux", "os: beos"},
		"the recipe: not readable as YAML": {"ComponentName:", "\tComponentName:"},
		"recipe and artifacts differ":      {"camera-linux-amd64.zip", "other.zip"},
	} {
		text := strings.Replace(string(recipes.Camera()), edit[0], edit[1], 1)
		require.NotEqual(t, string(recipes.Camera()), text)
		file := filepath.Join(t.TempDir(), "recipe.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		r := porchlight(t, dryRun(dir, "--arch", "amd64,arm64", "--recipe", file)...)
		require.Equal(t, 1, r.code, want)
		require.Contains(t, r.stderr, want)
		require.Empty(t, r.stdout)
	}
}

// publishing publishes to a stand-in.
func publishing(dir, url string, more ...string) []string {
	return append([]string{"publish", "--component", "camera", "--bucket", "parts", "--version", "1.2.3", "--binary", dir,
		"--arch", "amd64,arm64", "--endpoint", url, "--json"}, more...)
}

func TestPublishOnceAndAgain(t *testing.T) {
	aws, url := newFakeAWS(t)
	dir := programs(t)
	r := porchlight(t, publishing(dir, url, "--deploy-to", "home")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, []string{
		"PUT /parts/porchlight.Camera/1.2.3/camera-linux-amd64.zip", "PUT /parts/porchlight.Camera/1.2.3/camera-linux-arm64.zip",
		"create porchlight.Camera 1.2.3", "deploy",
	}, aws.takeMade())
	require.Contains(t, r.stdout, `"arn":"arn:aws:greengrass:eu-central-1:123456789012:components:porchlight.Camera:versions:1.2.3","state":"created"`)
	require.Contains(t, r.stdout, `{"deployment":{"id":"d1","target":"arn:aws:iot:eu-central-1:123456789012:thing/home","state":"created"}}`)
	require.Contains(t, r.stderr, "==> sending camera-linux-amd64.zip")

	r = porchlight(t, publishing(dir, url, "--deploy-to", "thing/home")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Empty(t, aws.takeMade(), "nothing is done twice")
	require.Contains(t, r.stdout, `"state":"exists"`)
	require.Contains(t, r.stdout, `{"deployment":{"id":"d1"`)
}

func TestPublishGoesOnWhereItStopped(t *testing.T) {
	aws, url := newFakeAWS(t)
	dir := programs(t)
	aws.state = "FAILED"
	r := porchlight(t, publishing(dir, url)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "Greengrass refuses the component version: it is FAILED: as told; s3://parts/x: not readable: cure that")
	aws.takeMade()
	aws.components = map[string]map[string]any{} // the owner deleted it
	aws.state = "DEPLOYABLE"
	r = porchlight(t, publishing(dir, url)...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Equal(t, []string{"create porchlight.Camera 1.2.3"}, aws.takeMade(), "the artifacts are in the bucket")
	require.Contains(t, r.stderr, "camera-linux-amd64.zip is there")
}

func TestPublishOverwritesNothing(t *testing.T) {
	aws, url := newFakeAWS(t)
	dir := programs(t)
	require.Equal(t, 0, porchlight(t, publishing(dir, url)...).code)
	aws.takeMade()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "linux-arm64", "lib", "more.so"), []byte("x"), 0o644))
	r := porchlight(t, publishing(dir, url)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "component version exists with other content")
	require.Contains(t, r.stderr, "publish another version")

	aws.components = map[string]map[string]any{}
	r = porchlight(t, publishing(dir, url)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "camera-linux-arm64.zip: another file is in the bucket under this name")
	require.Empty(t, aws.takeMade())
}

func TestPublishWhenAnotherIsFaster(t *testing.T) {
	aws, url := newFakeAWS(t)
	aws.races = true
	r := porchlight(t, publishing(programs(t), url)...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, `"state":"exists"`, "the other made the very same version")
}

// A deployment replaces the one before, so it must carry the rest over.
func TestDeployKeepsWhatElseIsDeployed(t *testing.T) {
	aws, url := newFakeAWS(t)
	aws.deployments = []map[string]any{{
		"deploymentId": "d1", "targetArn": "arn:aws:iot:eu-central-1:123456789012:thing/home", "deploymentStatus": "COMPLETED",
		"deploymentName": "home's",
		"components": map[string]any{
			"com.example.Other": map[string]any{"componentVersion": "7.0.0"},
			"porchlight.Camera": map[string]any{"componentVersion": "1.0.0", "configurationUpdate": map[string]any{"merge": `{"thing":"home"}`}},
		},
		"deploymentPolicies": map[string]any{"failureHandlingPolicy": "DO_NOTHING"},
	}}
	r := porchlight(t, publishing(programs(t), url, "--deploy-to", "home")...)
	require.Equal(t, 0, r.code, r.stderr)
	require.Len(t, aws.deployments, 2)
	made := aws.deployments[1]
	require.Equal(t, map[string]any{
		"com.example.Other": map[string]any{"componentVersion": "7.0.0"},
		"porchlight.Camera": map[string]any{"componentVersion": "1.2.3", "configurationUpdate": map[string]any{"merge": `{"thing":"home"}`}},
	}, made["components"])
	require.Equal(t, map[string]any{"failureHandlingPolicy": "DO_NOTHING"}, made["deploymentPolicies"])
	require.Equal(t, "home's", made["deploymentName"])
}

func TestPublishWithoutRegion(t *testing.T) {
	_, url := newFakeAWS(t)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	r := porchlight(t, publishing(programs(t), url)...)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "no AWS region: give one with --region or AWS_REGION")
}

func TestPublishForTheGDK(t *testing.T) {
	out := filepath.Join(t.TempDir(), "greengrass-build")
	r := porchlight(t, "publish", "--component", "camera", "--version", "NEXT_PATCH", "--out", out, "--binary", programs(t), "--arch", "arm64")
	require.Equal(t, 0, r.code, r.stderr)
	text, err := os.ReadFile(filepath.Join(out, "recipes", "recipe.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(text), "s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/camera-linux-arm64.zip")
	require.NotContains(t, string(text), "amd64")
	require.FileExists(t, filepath.Join(out, "artifacts", "porchlight.Camera", "NEXT_PATCH", "camera-linux-arm64.zip"))
}

func TestPublishModelsOfTheTestData(t *testing.T) {
	dir := visiontest.TestData(t, "models")
	r := porchlight(t, "publish", "--dry-run", "--component", "models", "--bucket", "parts", "--models", dir, "--model", "yolox-nano,mtcnn,yunet", "--json")
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14")
	require.Contains(t, r.stdout, `"uri":"s3://parts/porchlight.Models/1.0.0/det3.caffemodel"`)
	r = porchlight(t, "publish", "--dry-run", "--component", "models", "--bucket", "parts", "--models", dir, "--model", "mobilenet-ssd-voc")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "the manifest has no SHA-256 of MobileNetSSD_deploy.caffemodel")
}
