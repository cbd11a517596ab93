// Package component knows the real servers and tools that the tests and the demo use: their pinned
// versions, where they are looked for, and the command that installs one that is missing.
package component

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"rdip/internal/fault"
)

// Versions that are installed. A change here is all that an upgrade takes, apart from the checksums of
// PostgreSQL.
const (
	KafkaVersion    = "4.4.0"
	RegistryVersion = "3.0.9"
	LinterVersion   = "v2.15.0"
	// ExtensionsSuite is the Debian release whose PostgreSQL, of ExtensionsMajor, has the extensions.
	ExtensionsSuite = "trixie"
	ExtensionsMajor = 17
	// ExtensionsFolder names what is unpacked of it; raise its number when that changes.
	ExtensionsFolder = ExtensionsSuite + "-postgresql-2"
	// ConsumerVersion names the Avro consumer's Python environment; raise it when Requirements change.
	ConsumerVersion = "1"
)

// Requirements are the Python packages of the Avro consumer.
var Requirements = []string{"confluent-kafka[avro,schemaregistry]==2.16.0", "fastavro==1.12.2"}

// ErrMissing is in the chain of the error of a component that is not installed.
var ErrMissing = errors.New("not installed")

// Component is one installed thing: a folder of binaries or jars, or a program.
type Component struct {
	Name    string // as the installer takes it
	Install string // the command that installs it, from the top of the project
	Root    bool   // only root can install it
	look    func() (string, bool)
}

// Path is the component's folder (servers) or program (tools). The error says how to install it.
func (c Component) Path() (string, error) {
	if path, ok := c.look(); ok {
		return path, nil
	}
	return "", &fault.Error{
		Kind: fault.Preflight, Op: "find", Object: c.Name, Permanent: true,
		Cause: ErrMissing, Hint: c.Install,
	}
}

// Installed says whether Path would succeed.
func (c Component) Installed() bool {
	_, ok := c.look()
	return ok
}

// Postgres is the bin folder of a major version's server: the pinned build in the cache, else the
// distribution's.
func Postgres(major int) Component {
	name := "postgres-" + strconv.Itoa(major)
	return Component{Name: name, Install: installer(name), look: func() (string, bool) { return findPostgres(major) }}
}

// PostgresExtensions is the bin folder of a PostgreSQL 17 with PostGIS and pgvector: Debian's own packages, PgBouncer
// with them, unpacked into the cache beside a libc of their own.
func PostgresExtensions() Component {
	c := cached("postgres-extensions", filepath.Join("debian", ExtensionsFolder), "complete")
	c.Root = true
	look := c.look
	c.look = func() (string, bool) {
		dir, ok := look()
		return filepath.Join(dir, "usr", "lib", "postgresql", strconv.Itoa(ExtensionsMajor), "bin"), ok
	}
	return c
}

// PgBouncer is the program of the pooler, which came with those packages.
func PgBouncer() Component {
	c := PostgresExtensions()
	look := c.look
	c.look = func() (string, bool) {
		bin, ok := look()
		return filepath.Join(bin, "..", "..", "..", "..", "sbin", "pgbouncer"), ok
	}
	return c
}

// Kafka is the folder of Apache Kafka's jars.
func Kafka() Component {
	return cached("kafka", filepath.Join("kafka", KafkaVersion), "kafka_2.13-"+KafkaVersion+".jar")
}

// Registry is the folder of Apicurio's jars, a schema registry that is not ours.
func Registry() Component {
	return cached("registry", filepath.Join("apicurio", RegistryVersion), RegistryJar)
}

// RegistryJar is what starts the registry, in its folder.
const RegistryJar = "apicurio-registry-app-" + RegistryVersion + "-runner.jar"

// Java is the program that runs Kafka and the registry.
func Java() Component { return program("java", "sudo apt-get install -y openjdk-17-jre-headless") }

// JavaCompiler is the program that compiles what a test asks Kafka's own jars.
func JavaCompiler() Component {
	return program("javac", "sudo apt-get install -y openjdk-17-jdk-headless")
}

// CCompiler is the program that the race detector is built with.
func CCompiler() Component { return program("gcc", "sudo apt-get install -y gcc libc6-dev") }

// SystemdAnalyze is the program that judges the unit file.
func SystemdAnalyze() Component {
	return program("systemd-analyze", "sudo apt-get install -y systemd")
}

// Localedef is the program that makes locales, beside the sources of glibc's.
func Localedef() Component {
	c := program("localedef", "sudo apt-get install -y locales")
	look := c.look
	c.look = func() (string, bool) {
		path, ok := look()
		_, err := os.Stat("/usr/share/i18n/locales/ja_JP") // the sources are a package of their own
		return path, ok && err == nil
	}
	return c
}

// Kcat is the program kcat, a Kafka client that is not ours.
func Kcat() Component { return program("kcat", "sudo apt-get install -y kcat") }

// Python is the interpreter of the environment that has the Avro consumer's packages.
func Python() Component {
	home := filepath.Join("python", ConsumerVersion)
	c := cached("avro-consumer", home, "complete")
	look := c.look
	c.look = func() (string, bool) {
		dir, ok := look()
		return filepath.Join(dir, "bin", "python"), ok
	}
	return c
}

// Linter is the program golangci-lint in the pinned version.
func Linter() Component {
	name := "golangci-lint-" + LinterVersion
	c := cached("golangci-lint", "bin", name)
	look := c.look
	c.look = func() (string, bool) {
		dir, ok := look()
		return filepath.Join(dir, name), ok
	}
	return c
}

func installer(name string) string { return "go run ./integration/testenv/install " + name }

// cached is a folder under the cache that counts as installed once it holds the file.
func cached(name, folder, file string) Component {
	return Component{Name: name, Install: installer(name), look: func() (string, bool) {
		dir := filepath.Join(CacheDir(), folder)
		_, err := os.Stat(filepath.Join(dir, file))
		return dir, err == nil
	}}
}

func program(name, install string) Component {
	return Component{Name: name, Install: install, look: func() (string, bool) {
		path, err := exec.LookPath(name)
		return path, err == nil
	}}
}
