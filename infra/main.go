// Command infra is Porchlight's CDK app. The CDK command line runs it; with
// -snapshot it writes the committed template instead.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/snapshot"
	"porchlight/infra/internal/stack"
	"porchlight/infra/internal/stage"
)

func main() {
	write := flag.Bool("snapshot", false, "write "+snapshot.File+" and stop; run in infra/")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	defer jsii.Close()
	if write {
		return writeSnapshot()
	}
	app := awscdk.NewApp(nil)
	context, ok := app.Node().GetAllContext(nil).(map[string]any)
	if !ok {
		return fmt.Errorf("the CDK handed over no context")
	}
	s, err := stage.Parse(context)
	if err != nil {
		return err
	}
	if _, err := stack.New(app, s); err != nil {
		return err
	}
	_, err = stack.Synth(app)
	return err
}

func writeSnapshot() error {
	context, err := snapshot.Context(".")
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "porchlight-infra-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	template, err := snapshot.Synth(context, nil, work)
	if err != nil {
		return err
	}
	return os.WriteFile(snapshot.File, template, 0o644)
}
