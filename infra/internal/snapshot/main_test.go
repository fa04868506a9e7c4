package snapshot_test

import (
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// One engine serves all tests of the binary; starting one takes seconds.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code) //nolint:forbidigo // TestMain is where a test binary exits
}
