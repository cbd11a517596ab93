// Package integration holds the black-box tests: the rdip binary, as a user runs it, against real
// PostgreSQL, Kafka and schema registries, judged by readers that are not ours.
package integration

import (
	"testing"

	"rdip/integration/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
