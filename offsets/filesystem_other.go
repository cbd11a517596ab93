//go:build !linux

package offsets

import "os"

// networkFilesystem names the file system behind f if locks or syncs cannot be trusted on it. Only Linux
// tells.
func networkFilesystem(*os.File) string { return "" }
