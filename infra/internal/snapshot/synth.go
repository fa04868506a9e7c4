// Package snapshot synthesizes the stack without any built Lambda and brings
// the template into the stable form that is committed.
package snapshot

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
	"porchlight/infra/internal/stack"
	"porchlight/infra/internal/stage"
)

// File is the committed template's name in infra/.
const File = "porchlight.template.json"

// Context reads the context of cdk.json in dir, which the CDK command line
// would hand over.
func Context(dir string) (map[string]any, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cdk.json"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("cdk.json: %w", err)
	}
	return file.Context, nil
}

// Synth returns the template of the stage that the context describes, with
// overrides laid over it, normalized. Code assets are placeholders in work, a
// folder of the caller's that may be deleted afterwards.
func Synth(context, overrides map[string]any, work string) ([]byte, error) {
	context = maps.Clone(context)
	maps.Copy(context, overrides)
	s, err := stage.Parse(context)
	if err != nil {
		return nil, err
	}
	s.Lambdas = filepath.Join(work, "lambdas")
	for _, file := range []string{
		naming.LambdaEvents + "/bootstrap", naming.LambdaAPI + "/bootstrap", naming.LambdaProvision + "/bootstrap",
		naming.LambdaThumbnails + "/bootstrap", naming.LambdaFaces + "/Dockerfile",
	} {
		if err := placeholder(filepath.Join(s.Lambdas, file)); err != nil {
			return nil, err
		}
	}
	app := awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: jsii.String(filepath.Join(work, "cdk.out"))})
	if _, err := stack.New(app, s); err != nil {
		return nil, err
	}
	out, err := stack.Synth(app)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(out, naming.StackName(s.Name)+".template.json"))
	if err != nil {
		return nil, err
	}
	return Normalize(data)
}

func placeholder(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte("placeholder\n"), 0o755)
}
