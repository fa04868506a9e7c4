package recipe

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Nucleus is the software on the device that a recipe is for.
type Nucleus int

// The nuclei.
const (
	Both Nucleus = iota // a recipe that runs on either
	Java                // the Java nucleus alone, which can do more
)

// checker walks one recipe.
type checker struct {
	*faults
	value  map[string]any
	config map[string]any
	lite   bool // nucleus lite must be able to run it
}

// Check says everything that is wrong with a recipe that is ready to be
// published, all placeholders filled in. The error joins one *RuleError for
// each fault.
func (r *Recipe) Check(n Nucleus) error {
	yaml, err := r.YAML()
	if err != nil {
		return err
	}
	c := checker{faults: &faults{}, value: r.Value(), lite: n == Both}
	if len(yaml) > MaxBytes {
		c.add("", fmt.Sprintf("keep it to %d: move scripts into artifacts and configuration into the deployment", MaxBytes),
			"it has %d bytes", len(yaml))
	}
	if err := checkSchema(c.value, c.faults); err != nil {
		return err
	}
	configuration, _ := c.value["ComponentConfiguration"].(map[string]any)
	c.config, _ = configuration["DefaultConfiguration"].(map[string]any)
	c.placeholders("", c.value)
	c.header()
	c.dependencies()
	c.accessControl()
	if c.lite {
		c.configuration()
	}
	c.manifests()
	return c.err()
}

// versions are semantic versions 2.0.0, https://semver.org.
func versions() *regexp.Regexp {
	const number, word = `(0|[1-9]\d*)`, `(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)`
	return regexp.MustCompile(`^` + number + `\.` + number + `\.` + number +
		`(-` + word + `(\.` + word + `)*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)
}

// ValidVersion says whether a component may have this version.
func ValidVersion(version string) bool { return len(version) <= 64 && versions().MatchString(version) }

func (c *checker) header() {
	if version, ok := c.value["ComponentVersion"].(string); ok && !versions().MatchString(version) {
		c.add("ComponentVersion", "write a semantic version like 1.2.3", "%s", brief(version))
	}
	if kind, ok := c.value["ComponentType"].(string); ok && c.lite && kind != "aws.greengrass.generic" {
		c.add("ComponentType", "write aws.greengrass.generic: nucleus lite runs nothing else", "%s", brief(kind))
	}
	if _, ok := c.value["Lifecycle"]; ok && c.lite {
		c.add("Lifecycle", "move it into each manifest, where nucleus lite reads it", "a lifecycle for all platforms")
	}
}

func (c *checker) dependencies() {
	dependencies, _ := c.value["ComponentDependencies"].(map[string]any)
	for _, name := range sortedKeys(dependencies) {
		at := join("ComponentDependencies", name)
		dependency, _ := dependencies[name].(map[string]any)
		requirement, ok := dependency["VersionRequirement"].(string)
		if ok && !requirements().MatchString(requirement) {
			c.add(at+".VersionRequirement", "write a range like >=1.2.0, ^1.0.0 or 1.2.3", "%s", brief(requirement))
		}
		if c.lite && plugins()[name] {
			c.add(at, "remove it, or publish for the Java nucleus alone", "a plugin that nucleus lite cannot run")
		}
	}
}

// requirements are the version ranges of npm, of which the common forms are
// taken: comparators joined by spaces, ranges joined by ||.
func requirements() *regexp.Regexp {
	const one = `(>=|<=|>|<|=|~|\^)? *v?(\d+|[xX*])(\.(\d+|[xX*])){0,2}([-+][0-9A-Za-z.+-]+)?`
	return regexp.MustCompile(`^ *` + one + `( +(- +)?` + one + `)*( *\|\| *` + one + `( +` + one + `)*)* *$`)
}

// plugins are AWS' components that are parts of the Java nucleus' process.
func plugins() map[string]bool {
	return map[string]bool{
		"aws.greengrass.ShadowManager": true, "aws.greengrass.SecretManager": true, "aws.greengrass.LogManager": true,
		"aws.greengrass.clientdevices.Auth": true, "aws.greengrass.clientdevices.IPDetector": true,
		"aws.greengrass.clientdevices.mqtt.Bridge": true, "aws.greengrass.clientdevices.mqtt.Moquette": true,
		"aws.greengrass.DiskSpooler": true, "aws.greengrass.StreamManager": true, "aws.greengrass.DockerApplicationManager": true,
	}
}

// placeholders finds words that were not filled in.
func (c *checker) placeholders(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			c.placeholders(join(path, key), v[key])
		}
	case []any:
		for i, item := range v {
			c.placeholders(index(path, i), item)
		}
	case string:
		for _, word := range []string{"BUCKET_NAME", "COMPONENT_NAME", "COMPONENT_VERSION"} {
			if strings.Contains(v, word) {
				c.add(path, "publish with porchlight publish or the GDK, which fill it in", "the placeholder %s", word)
				return
			}
		}
	}
}

// Bounds of a configuration on nucleus lite, which reads no more of one at
// once: of 255 keys, values and list items, the answer around it takes four.
const (
	maxConfigDepth = 15
	maxConfigParts = 255 - 4
	maxPolicyBytes = 4096 // of one service's policies, as JSON
)

func (c *checker) configuration() {
	parts, deepest := 0, 0
	var walk func(value any, depth int)
	walk = func(value any, depth int) {
		deepest = max(deepest, depth)
		switch v := value.(type) {
		case map[string]any:
			parts += 2 * len(v)
			for _, inner := range v {
				walk(inner, depth+1)
			}
		case []any:
			parts += len(v)
			for _, inner := range v {
				walk(inner, depth+1)
			}
		}
	}
	walk(c.config, 0)
	const at = "ComponentConfiguration.DefaultConfiguration"
	if deepest > maxConfigDepth {
		c.add(at, fmt.Sprintf("keep to %d", maxConfigDepth), "%d levels, which nucleus lite cannot read", deepest)
	}
	if parts > maxConfigParts {
		c.add(at, fmt.Sprintf("keep to %d", maxConfigParts), "%d keys, values and list items, which nucleus lite cannot read at once", parts)
	}
	policies, _ := c.config["accessControl"].(map[string]any)
	for _, service := range sortedKeys(policies) {
		if text, err := json.Marshal(policies[service]); err == nil && len(text) > maxPolicyBytes {
			c.add(join(at+".accessControl", service), fmt.Sprintf("keep to %d", maxPolicyBytes), "%d bytes, which nucleus lite cannot read", len(text))
		}
	}
}
