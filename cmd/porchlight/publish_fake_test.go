package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/s3"
)

// fakeAWS speaks what publishing needs of STS and Greengrass, and leaves S3 to
// the local cloud.
type fakeAWS struct {
	t       *testing.T
	objects http.Handler

	mu          sync.Mutex
	made        []string // operations that changed something, in order
	components  map[string]map[string]any
	deployments []map[string]any
	state       string // of new component versions once they are checked
	races       bool   // another publisher is faster once
}

// newFakeAWS starts it, with a bucket named parts, and points the SDK at it.
func newFakeAWS(t *testing.T) (*fakeAWS, string) {
	t.Helper()
	store, err := s3.Open(s3.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	var bucket s3.Properties
	require.NoError(t, json.Unmarshal([]byte(`{"BucketName":"parts"}`), &bucket))
	require.NoError(t, store.Provision(bucket))
	f := &fakeAWS{t: t, objects: store, components: map[string]map[string]any{}, state: "DEPLOYABLE"}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	for key, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_REGION": "eu-central-1",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ENDPOINT_URL": "",
	} {
		t.Setenv(key, value)
	}
	return f, server.URL
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const root = "/greengrass/v2/"
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/":
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::123456789012:user/owner</Arn><UserId>A</UserId><Account>123456789012</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`)
	case strings.HasPrefix(r.URL.Path, root):
		f.greengrass(w, r, strings.TrimPrefix(r.URL.Path, root))
	default:
		if r.Method == http.MethodPut {
			f.made = append(f.made, "PUT "+r.URL.Path)
		}
		f.objects.ServeHTTP(w, r)
	}
}

func (f *fakeAWS) greengrass(w http.ResponseWriter, r *http.Request, path string) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	body := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &body); err != nil {
			f.t.Error(err)
		}
	}
	switch {
	case path == "createComponentVersion":
		f.create(w, body)
	case strings.HasPrefix(path, "components/"):
		arn := strings.TrimSuffix(strings.TrimPrefix(path, "components/"), "/metadata")
		component, ok := f.components[arn]
		if !ok {
			refuse(w, http.StatusNotFound, "ResourceNotFoundException")
			return
		}
		answer(w, component)
	case path == "deployments" && r.Method == http.MethodPost:
		f.made = append(f.made, "deploy")
		body["deploymentId"] = fmt.Sprintf("d%d", len(f.deployments)+1)
		body["deploymentStatus"] = "ACTIVE"
		f.deployments = append(f.deployments, body)
		answer(w, map[string]any{"deploymentId": body["deploymentId"]})
	case path == "deployments":
		var found []map[string]any
		for _, d := range f.deployments {
			if d["targetArn"] == r.URL.Query().Get("targetArn") {
				found = []map[string]any{{"deploymentId": d["deploymentId"]}}
			}
		}
		answer(w, map[string]any{"deployments": found})
	case strings.HasPrefix(path, "deployments/"):
		for _, d := range f.deployments {
			if d["deploymentId"] == strings.TrimPrefix(path, "deployments/") {
				answer(w, d)
			}
		}
	default:
		refuse(w, http.StatusBadRequest, "ValidationException")
	}
}

// create keeps a component version, told by the recipe's own name and version.
func (f *fakeAWS) create(w http.ResponseWriter, body map[string]any) {
	var recipe struct {
		ComponentName    string `yaml:"ComponentName"`
		ComponentVersion string `yaml:"ComponentVersion"`
	}
	text, _ := body["inlineRecipe"].(string)
	readRecipe(f.t, text, &recipe)
	arn := "arn:aws:greengrass:eu-central-1:123456789012:components:" + recipe.ComponentName + ":versions:" + recipe.ComponentVersion
	_, taken := f.components[arn]
	if !taken {
		f.components[arn] = map[string]any{
			"arn": arn, "tags": body["tags"],
			"status": map[string]any{"componentState": f.state, "message": "as told", "errors": map[string]string{"s3://parts/x": "not readable"}},
		}
	}
	if taken || f.races {
		refuse(w, http.StatusConflict, "ConflictException")
		return
	}
	f.made = append(f.made, "create "+recipe.ComponentName+" "+recipe.ComponentVersion)
	answer(w, map[string]any{"arn": arn, "status": map[string]any{"componentState": "REQUESTED"}})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"as told"}`)
}

// takeMade returns what was changed since the last call.
func (f *fakeAWS) takeMade() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.made
	f.made = nil
	return made
}

// programs writes the least files that are Linux programs, for both
// architectures, and returns their folder.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for arch, machine := range map[string]uint16{"amd64": 62, "arm64": 183} {
		header := make([]byte, 64)
		copy(header, "\x7fELF\x02\x01\x01")
		binary.LittleEndian.PutUint16(header[16:], 3) // a position-independent program
		binary.LittleEndian.PutUint16(header[18:], machine)
		binary.LittleEndian.PutUint32(header[20:], 1)
		binary.LittleEndian.PutUint16(header[52:], 64)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "linux-"+arch, "lib"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "linux-"+arch, "camera"), header, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "linux-"+arch, "lib", "libopencv_core.so.406"), []byte("library"), 0o644))
	}
	return dir
}
