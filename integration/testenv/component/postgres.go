package component

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// PostgresMajors are the major versions that the tests use, oldest first. 13 is only there to be refused.
var PostgresMajors = []int{13, 14, 15, 16, 17, 18}

// postgresReleases are the releases of the zonky builds, by major version.
var postgresReleases = map[int]string{
	13: "13.23.0", 14: "14.24.0", 15: "15.19.0", 16: "16.15.0", 17: "17.11.0", 18: "18.6.0",
}

// postgresSums are the SHA-256 sums of the archives inside the zonky builds (the .txz in each jar), by
// platform and release. The builds for macOS serve both of its processors.
var postgresSums = map[string]string{
	"linux-amd64 13.23.0":   "2b0387c9abb4ab2cdf8e5ebad4f3b0877078203e1de797023c681ecd1ff66938",
	"linux-amd64 14.24.0":   "a22637a4a9904f6a7ed42ca0849f3db96f29a6d7dc719d9da8487fe4522e5017",
	"linux-amd64 15.19.0":   "335beb3873692297bfa7712f09ef706114c28896e85ee83098f3aafaaa70b24a",
	"linux-amd64 16.15.0":   "bda67fe32e23b049c25db4b98132d154a4fa824c44e1bd8fd01b0236f4676c24",
	"linux-amd64 17.11.0":   "f044ba1009e9c7ed62a5a9a6f923ca6327fe4e80d8f6bf4f8887dbc59ac14bed",
	"linux-amd64 18.6.0":    "63999c2914366d62c68e51794e597588c336e75ed2958d53c558e8deca5e13fc",
	"linux-arm64v8 18.6.0":  "2eb24d67326da41a81064d116b0bce412dff543c835d6fcc1c099e4abcf18836",
	"darwin-amd64 18.6.0":   "f4db5df0b13e3e72149c0547ccd1eee177cfe67accb8c296e8d0e46ef3601f01",
	"darwin-arm64v8 18.6.0": "f4db5df0b13e3e72149c0547ccd1eee177cfe67accb8c296e8d0e46ef3601f01",
}

// PostgresRelease is the release that is installed for a major version, such as 18.6.0.
func PostgresRelease(major int) (string, bool) {
	release, ok := postgresReleases[major]
	return release, ok
}

// PostgresPlatform is this machine's name in the builds' artifact names, such as linux-amd64.
func PostgresPlatform() string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	return runtime.GOOS + "-" + arch
}

// NewestPostgres is the bin folder of the newest server of at least the major version min that is
// found in PATH, in the distribution's folders and in the cache, and its major version.
func NewestPostgres(min int) (bin string, major int, ok bool) {
	candidates := []string{filepath.Dir(resolved("postgres"))}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin",
		filepath.Join(CacheDir(), "postgres", "*", "bin"),
	} {
		found, _ := filepath.Glob(pattern)
		sort.Strings(found)
		candidates = append(candidates, found...)
	}
	for _, dir := range candidates {
		if m := serverMajor(dir); m >= min && m > major {
			bin, major, ok = dir, m, true
		}
	}
	return bin, major, ok
}

func findPostgres(major int) (string, bool) {
	candidates := []string{
		filepath.Join(postgresHome(major), "bin"),
		filepath.Join("/usr/lib/postgresql", strconv.Itoa(major), "bin"),
		filepath.Dir(resolved("postgres")),
	}
	for _, dir := range candidates {
		if serverMajor(dir) == major {
			return dir, true
		}
	}
	return "", false
}

// postgresHome is the folder that a major version's build is unpacked into.
func postgresHome(major int) string {
	return filepath.Join(CacheDir(), "postgres", postgresReleases[major])
}

// serverMajor is the major version of the server in a bin folder that also has initdb, and 0 for any
// other folder.
func serverMajor(bin string) int {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return 0
	}
	release := ServerRelease(bin)
	major, err := strconv.Atoi(strings.SplitN(release, ".", 2)[0])
	if err != nil {
		return 0
	}
	return major
}

// ServerRelease asks the server in a bin folder for its release, such as 15.18; it is empty when there
// is none that runs.
func ServerRelease(bin string) string {
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 3 {
		return ""
	}
	return fields[2]
}

// resolved is where a program of PATH really lies, or a path that does not exist.
func resolved(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		return "/nonexistent/" + program
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
