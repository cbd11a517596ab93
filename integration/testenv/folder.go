package testenv

import (
	"os"
	"testing"
)

// folder is a temporary folder that Close removes.
type folder string

// Close removes the folder and what is in it.
func (f folder) Close() error { return os.RemoveAll(string(f)) }

// SharedFolder is a temporary folder of that name, for what one test makes and others use too, such as a
// binary. Other users may enter it. It is removed after the last test. The package's TestMain must call Main.
func SharedFolder(t testing.TB, name string) string {
	t.Helper()
	return string(shared(t, "folder "+name, func() (folder, error) {
		path, err := os.MkdirTemp("", "rdip-"+name+"-") //nolint:usetesting // it outlives the test that asks first
		if err != nil {
			return "", err
		}
		return folder(path), os.Chmod(path, 0o755)
	}))
}
