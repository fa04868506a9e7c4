package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// ErrTemplate is wrapped when the template is not what CloudFormation takes.
var ErrTemplate = errors.New("invalid template")

// Synth writes the app's templates and returns their folder. It fails on
// every finding of the CDK's own check against CloudFormation's schemas, the
// ones it calls warnings (a wrong enumeration value, say) included.
func Synth(app awscdk.App) (dir string, err error) {
	defer func() {
		// The engine turns what JavaScript throws into a panic.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", ErrTemplate, cause)
		}
	}()
	dir = *app.Synth(nil).Directory()
	data, err := os.ReadFile(filepath.Join(dir, "validation-report.json"))
	if err != nil {
		return "", fmt.Errorf("the CDK checked nothing: %w", err)
	}
	return dir, findings(data)
}

// findings turns a validation report into an error, or nil when it is empty.
func findings(report []byte) error {
	var parsed struct {
		Plugins []struct {
			Violations []struct {
				Rule        string `json:"ruleName"`
				Description string `json:"description"`
			} `json:"violations"`
		} `json:"pluginReports"`
	}
	if err := json.Unmarshal(report, &parsed); err != nil {
		return fmt.Errorf("validation report: %w", err)
	}
	var texts []string
	for _, plugin := range parsed.Plugins {
		for _, v := range plugin.Violations {
			texts = append(texts, v.Rule+": "+v.Description)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrTemplate, strings.Join(texts, "; "))
}
