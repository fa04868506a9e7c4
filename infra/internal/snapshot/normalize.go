package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"porchlight/infra/internal/naming"
)

// Normalize removes from a template what changes without our doing: the
// locations of code assets, the CDK's own metadata, its bootstrap check. Keys
// come out sorted.
func Normalize(template []byte) ([]byte, error) {
	var root map[string]any
	if err := json.Unmarshal(template, &root); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	drop(root, "Parameters", "BootstrapVersion")
	drop(root, "Rules", "CheckBootstrapVersion")
	resources, _ := root["Resources"].(map[string]any)
	for id, value := range resources {
		resource, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("template: resource %s is not an object", id)
		}
		metadata, _ := resource["Metadata"].(map[string]any)
		for key := range metadata {
			if strings.HasPrefix(key, "aws:") {
				drop(resource, "Metadata", key)
			}
		}
		if resource["Type"] == "AWS::Lambda::Function" {
			if err := placeCode(id, resource, metadata[naming.LambdaMetadata]); err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// placeCode puts the Lambda's name where the asset's hash was.
func placeCode(id string, resource map[string]any, name any) error {
	properties, _ := resource["Properties"].(map[string]any)
	if name == nil || properties == nil {
		return fmt.Errorf("template: function %s has no %s metadata", id, naming.LambdaMetadata)
	}
	if properties["PackageType"] == "Image" {
		properties["Code"] = map[string]any{"ImageUri": fmt.Sprintf("assets/%v", name)}
		return nil
	}
	properties["Code"] = map[string]any{"S3Bucket": "assets", "S3Key": fmt.Sprintf("%v.zip", name)}
	return nil
}

// drop removes root[section][key], and the section when that empties it.
func drop(root map[string]any, section, key string) {
	entries, ok := root[section].(map[string]any)
	if !ok {
		return
	}
	delete(entries, key)
	if len(entries) == 0 {
		delete(root, section)
	}
}
