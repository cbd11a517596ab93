//go:build !linux

package offsets

import "errors"

// helpDiskFull needs Linux's mount namespaces.
func helpDiskFull(string) error { return errors.ErrUnsupported }
