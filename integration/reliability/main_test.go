package reliability

import (
	"testing"

	"rdip/integration/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
