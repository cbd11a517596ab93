package component

import (
	"os"
	"path/filepath"
)

// CacheDir is where everything that was fetched or prepared once is kept: $RDIP_CACHE, else for root
// /var/cache/rdip (PostgreSQL refuses to run as root, and the user it runs as instead cannot reach
// root's home), else rdip in the user's own cache folder.
func CacheDir() string {
	if dir := os.Getenv("RDIP_CACHE"); dir != "" {
		if abs, err := filepath.Abs(dir); err == nil {
			return abs
		}
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/cache/rdip"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "rdip-cache")
	}
	return filepath.Join(dir, "rdip")
}
