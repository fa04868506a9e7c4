package onemachine

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"porchlight/internal/config"
	"porchlight/internal/localcloud"
	"porchlight/internal/localcloud/iotcore"
)

// writeConfig writes the component's configuration: what the owner chose, and
// how to reach the local cloud. It returns how many cameras there are.
func writeConfig(cloud *localcloud.Cloud, o Options, files iotcore.Files) (file string, cameras int, err error) {
	tree := map[string]any{}
	if o.Config != "" {
		data, err := os.ReadFile(o.Config)
		if err != nil {
			return "", 0, fmt.Errorf("read configuration: %w", err)
		}
		if err := yaml.Unmarshal(data, &tree); err != nil {
			// Without the lines around the fault, which may hold a camera's password.
			return "", 0, fmt.Errorf("%s: %s", o.Config, yaml.FormatError(err, false, false))
		}
		if tree == nil {
			tree = map[string]any{}
		}
	}
	roleAlias, err := cloud.Output("RoleAliasName")
	if err != nil {
		return "", 0, err
	}
	bucket, err := cloud.Output("ThumbnailBucketName")
	if err != nil {
		return "", 0, err
	}
	for key, value := range map[string]any{
		"thing":     o.Thing,
		"state_dir": filepath.Join(o.Data, "camera"),
		"iot": map[string]any{
			"endpoint": cloud.Addresses().MQTT, "credentials_endpoint": cloud.Addresses().Credentials, "role_alias": roleAlias,
			"certificate": files.Certificate, "private_key": files.Key, "ca": files.CA,
		},
		"cloud": map[string]any{"region": cloud.Region(), "endpoint": cloud.AWSURL(), "thumbnail_bucket": bucket},
	} {
		if _, taken := tree[key]; taken {
			return "", 0, fmt.Errorf("%s: %s: porchlight up sets this itself: remove it", o.Config, key)
		}
		tree[key] = value
	}
	if err := addCameras(tree, o); err != nil {
		return "", 0, err
	}
	data, err := yaml.Marshal(tree)
	if err != nil {
		return "", 0, err
	}
	checked, err := config.Parse(data)
	if err != nil {
		return "", 0, err
	}
	file = filepath.Join(o.Data, "porchlight.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil { // it may hold the passwords of cameras
		return "", 0, fmt.Errorf("write configuration: %w", err)
	}
	return file, len(checked.Cameras), nil
}

func addCameras(tree map[string]any, o Options) error {
	if o.Models != "" {
		detector, _ := tree["detector"].(map[string]any)
		if detector == nil {
			detector = map[string]any{}
		}
		if _, taken := detector["models"]; !taken {
			detector["models"] = o.Models
		}
		tree["detector"] = detector
	}
	if len(o.Cameras) == 0 {
		return nil
	}
	cameras, _ := tree["cameras"].(map[string]any)
	if cameras == nil {
		cameras = map[string]any{}
	}
	for name, source := range o.Cameras {
		if _, taken := cameras[name]; taken {
			return fmt.Errorf("%s: cameras.%s: also given with --camera: keep one of the two", o.Config, name)
		}
		cameras[name] = map[string]any{"source": source, "loop": true}
	}
	tree["cameras"] = cameras
	return nil
}
