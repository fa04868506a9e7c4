package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func (c *checker) manifests() {
	manifests, _ := c.value["Manifests"].([]any)
	seen := map[string]int{}
	for i, item := range manifests {
		at := index("Manifests", i)
		m, _ := item.(map[string]any)
		platform, _ := m["Platform"].(map[string]any)
		c.platform(at+".Platform", platform)
		key := fmt.Sprint(platform)
		if first, again := seen[key]; again && platform != nil {
			c.add(at+".Platform", "remove one of them: only the first is used", "the same platform as Manifests[%d]", first)
		} else {
			seen[key] = i
		}
		lifecycle, _ := m["Lifecycle"].(map[string]any)
		c.lifecycle(at+".Lifecycle", lifecycle)
		artifacts, _ := m["Artifacts"].([]any)
		c.artifacts(at+".Artifacts", artifacts)
	}
}

func (c *checker) platform(path string, platform map[string]any) {
	if _, ok := platform["runtime"]; !ok && c.lite {
		c.add(path+".runtime", `write runtime: "*": nucleus lite passes over a manifest without it`, "missing")
	}
	for _, key := range sortedKeys(platform) {
		value, isText := platform[key].(string)
		if !isText {
			continue
		}
		at := join(path, key)
		known := map[string][]string{
			"os":           {"linux", "darwin", "windows", "*"},
			"architecture": {"amd64", "aarch64", "arm", "x86", "*"},
		}[key]
		switch {
		case strings.HasPrefix(value, "/") && strings.HasSuffix(value, "/") && len(value) > 1:
			if c.lite {
				c.add(at, "write one manifest for each platform", "a regular expression, which nucleus lite does not know")
			}
		case key == "architecture" && value == "arm64":
			c.add(at, "write aarch64", "%s", brief(value))
		case known != nil && !slices.Contains(known, value):
			c.add(at, "choose one of "+strings.Join(known, ", "), "%s", brief(value))
		}
	}
}

const maxScript = 10_000 // bytes that nucleus lite reads of one script

func (c *checker) lifecycle(path string, steps map[string]any) {
	if steps["run"] != nil && steps["startup"] != nil {
		c.add(path, "keep one: run for a process that stays, startup for one that reports that it is ready", "both run and startup")
	}
	for _, name := range sortedKeys(steps) {
		at := join(path, name)
		step, _ := steps[name].(map[string]any)
		if c.lite && (name == "shutdown" || name == "recover") {
			c.add(at, "let the process end on SIGTERM, or publish for the Java nucleus alone", "a step that nucleus lite never runs")
		}
		if _, ok := step["Skipif"]; ok && c.lite {
			c.add(at+".Skipif", "test in the script", "nucleus lite runs the step all the same")
		}
		script, _ := step["Script"].(string)
		if c.lite && len(script) > maxScript {
			c.add(at+".Script", fmt.Sprintf("keep it to %d: put a file into an artifact and run that", maxScript), "it has %d bytes", len(script))
		}
		c.variables(at+".Script", script)
		environment, _ := step["Setenv"].(map[string]any)
		for _, key := range sortedKeys(environment) {
			if value, ok := environment[key].(string); ok {
				c.variables(join(at+".Setenv", key), value)
			}
		}
	}
}

// variables checks what the nucleus replaces in a script: {namespace:key} of
// this component or {component:namespace:key} of a dependency. After a $ it is
// the shell's.
func (c *checker) variables(path, script string) {
	for _, match := range regexp.MustCompile(`(?:^|[^$])(\{([^\s:{}"']+):([^\s{}"']+)\})`).FindAllStringSubmatch(script, -1) {
		whole, space, key := match[1], match[2], match[3]
		if pointer, isConfig := strings.CutPrefix(whole, "{configuration:"); isConfig {
			c.pointer(path, strings.TrimSuffix(pointer, "}"))
			continue
		}
		if slices.Contains(ownVariables(), space+":"+key) {
			continue
		}
		dependencies, _ := c.value["ComponentDependencies"].(map[string]any)
		if _, other := dependencies[space]; !other {
			c.add(path, "use one of "+strings.Join(ownVariables(), ", ")+", configuration:/… or those of a dependency", "%s is no variable", brief(whole))
		} else if c.lite {
			c.add(path, "have the dependency copy the file to a place that both know", "%s, which nucleus lite does not fill in", brief(whole))
		}
	}
}

func ownVariables() []string {
	return []string{"artifacts:path", "artifacts:decompressedPath", "work:path", "work:decompressedPath", "kernel:rootPath", "iot:thingName"}
}

// pointer follows a JSON pointer through the default configuration.
func (c *checker) pointer(path, pointer string) {
	var value any = c.config
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		m, _ := value.(map[string]any)
		inner, ok := m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		if !ok {
			c.add(path, "name a key of DefaultConfiguration", "there is no configuration %s", brief(pointer))
			return
		}
		value = inner
	}
}

func (c *checker) artifacts(path string, artifacts []any) {
	names := map[string]bool{}
	for i, item := range artifacts {
		artifact, _ := item.(map[string]any)
		at := index(path, i)
		uri, _ := artifact["Uri"].(string)
		object, isS3 := strings.CutPrefix(uri, "s3://")
		bucket, key, _ := strings.Cut(object, "/")
		if strings.HasPrefix(uri, "docker:") {
			continue
		}
		if !isS3 || bucket == "" || key == "" || strings.HasSuffix(key, "/") {
			if uri != "" {
				c.add(at+".Uri", "write s3://BUCKET/KEY, or docker:IMAGE", "%s", brief(uri))
			}
			continue
		}
		name := key[strings.LastIndexByte(key, '/')+1:]
		if names[name] {
			c.add(at+".Uri", "rename one: both end in the same folder", "a second file %s", brief(name))
		}
		names[name] = true
		if artifact["Unarchive"] == "ZIP" && !strings.HasSuffix(strings.ToLower(name), ".zip") {
			c.add(at+".Unarchive", "write NONE, or name the file .zip", "ZIP for the file %s", brief(name))
		}
	}
}
