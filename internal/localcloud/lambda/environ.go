package lambda

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// environ is exactly what Lambda sets, plus the function's own variables,
// plus this machine's PATH and endpoint.
func environ(fn Function, cfg *Config, key, secret, token string) []string {
	root := filepath.Dir(fn.Path)
	vars := map[string]string{
		"PATH": os.Getenv("PATH"), "LANG": "en_US.UTF-8", "TZ": ":UTC",
		"_HANDLER": "bootstrap", "LAMBDA_TASK_ROOT": root, "LAMBDA_RUNTIME_DIR": root,
		"AWS_REGION": cfg.Region, "AWS_DEFAULT_REGION": cfg.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       cmp.Or(fn.LogGroup, "/aws/lambda/"+fn.Name),
		"AWS_LAMBDA_LOG_FORMAT":           cmp.Or(fn.LogFormat, "Text"),
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + newRequestID(),
	}
	maps.Copy(vars, fn.Env)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token,
		"AWS_ENDPOINT_URL": cfg.Endpoint, "AWS_LAMBDA_LOG_LEVEL": fn.LogLevel,
	} {
		if value != "" {
			vars[name] = value
		}
	}
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+vars[name])
	}
	return out
}
