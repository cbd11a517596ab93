// Package reliability kills the daemon, breaks what is around it, and has the judges look at what is in the topics then.
package reliability

import (
	"testing"

	"rdip/integration/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
