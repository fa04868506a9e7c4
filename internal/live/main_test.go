package live_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets more tests run at once than there are processors: most wait
// for a film to play.
func TestMain(m *testing.M) {
	testing.Init()
	_ = flag.Set("test.parallel", "5") // unless the command line says otherwise
	goleak.VerifyTestMain(m)
}
