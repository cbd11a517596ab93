package testenv

import (
	"fmt"
	"os"
	"sync/atomic"
)

var names atomic.Uint64

// Name is the prefix and a number that no other call in this process got, in lower case letters, digits
// and underscores: fit for a database, slot, publication, topic, group or connector.
func Name(prefix string) string {
	return fmt.Sprintf("%s_%d_%d", prefix, os.Getpid(), names.Add(1))
}
