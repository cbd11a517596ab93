package reliability

import (
	"testing"

	"rdip/integration/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
