package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"rdip/internal/fault"
)

const maxSecretFileBytes = 64 << 10

// reference is ${provider:argument} or, wrongly, ${NAME}.
var reference = regexp.MustCompile(`\$\{([^}:]*)(:[^}]*)?\}?`)

// resolve replaces the references in a value. What they give is hidden and not resolved again. The notes are
// warnings about the files they name.
func resolve(v Value) (Value, []Problem, error) {
	var notes []Problem
	one := func(text string) (string, error) {
		if !strings.Contains(text, "${") {
			return text, nil
		}
		v.Hidden = true
		out, more, err := expand(text)
		notes = append(notes, more...)
		return out, err
	}
	var err error
	if v.Form == Scalar {
		v.Text, err = one(v.Text)
		return v, notes, err
	}
	items := make([]string, len(v.Items))
	for i, item := range v.Items {
		if items[i], err = one(item); err != nil {
			return v, notes, err
		}
	}
	v.Items = items
	return v, notes, nil
}

func expand(text string) (string, []Problem, error) {
	var b strings.Builder
	var notes []Problem
	at := 0
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[at:m[0]])
		at = m[1]
		provider := text[m[2]:m[3]]
		if m[4] < 0 || text[m[1]-1] != '}' {
			return "", nil, malformed(text[m[0]:m[1]], provider, m[4] < 0)
		}
		got, note, err := provide(provider, text[m[4]+1:m[5]])
		if err != nil {
			return "", nil, err
		}
		if note != nil {
			notes = append(notes, *note)
		}
		b.WriteString(got)
	}
	b.WriteString(text[at:])
	return b.String(), notes, nil
}

// envName is what a reference that lacks its provider may be named by in a message.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

func malformed(ref, name string, noProvider bool) *Problem {
	switch {
	case !strings.HasSuffix(ref, "}"):
		return &Problem{Seen: "a reference ${ without its }", Need: "${env:NAME}, ${file:PATH} or ${file:PATH:KEY}"}
	case noProvider && envName.MatchString(name):
		return &Problem{Seen: "the reference ${" + name + "} without a provider", Need: "${env:NAME}, ${file:PATH} or ${file:PATH:KEY}",
			Fix: "write ${env:" + name + "}"}
	default:
		return &Problem{Seen: "a reference without a provider", Need: "${env:NAME}, ${file:PATH} or ${file:PATH:KEY}"}
	}
}

// provide is what a reference stands for.
func provide(provider, arg string) (string, *Problem, error) {
	switch provider {
	case "env":
		name := strings.TrimPrefix(arg, ":") // Connect's EnvVarConfigProvider is written ${env::NAME} too
		got, ok := os.LookupEnv(name)
		if !ok {
			return "", nil, &Problem{Seen: fmt.Sprintf("the environment variable %s is not set", name), Need: "it to be set",
				Fix: fmt.Sprintf("export %s=..., or set it in the service's environment", name)}
		}
		return got, nil, nil
	case "file":
		path, key, hasKey := strings.Cut(arg, ":")
		if hasKey {
			return fromProperties(path, key)
		}
		text, note, err := readSecret(path)
		return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), note, err
	case "dir", "directory":
		return "", nil, &Problem{Seen: "the provider " + provider, Need: "${file:PATH}",
			Fix: "write ${file:" + strings.Replace(arg, ":", "/", 1) + "}"}
	default:
		return "", nil, &Problem{Seen: fmt.Sprintf("the provider %q", provider), Need: "env or file",
			Fix: "write ${env:NAME}, ${file:PATH} or ${file:PATH:KEY}"}
	}
}

func fromProperties(path, key string) (string, *Problem, error) {
	text, note, err := readSecret(path)
	if err != nil {
		return "", nil, err
	}
	props, err := parseProperties(text)
	if err != nil {
		return "", note, &Problem{Seen: fmt.Sprintf("the file %s: %v", path, err), Need: "Java properties"}
	}
	got, ok := props[key]
	if !ok {
		return "", note, &Problem{Seen: fmt.Sprintf("the file %s has no key %s", path, key), Need: "the key in the file",
			Fix: fmt.Sprintf("add a line %s=... to %s", key, path)}
	}
	return got, note, nil
}

// readSecret reads a small regular file and notes when others than its owner may read it.
func readSecret(path string) (string, *Problem, error) {
	if !filepath.IsAbs(path) {
		return "", nil, &Problem{Seen: fmt.Sprintf("the path %q", path), Need: "an absolute path"}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return "", nil, &Problem{Seen: fmt.Sprintf("%s is not a regular file", path), Need: "a file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFileBytes+1))
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	if len(data) > maxSecretFileBytes {
		return "", nil, &Problem{Seen: fmt.Sprintf("the file %s is larger than %d bytes", path, maxSecretFileBytes), Need: "a file that holds a secret"}
	}
	return string(data), exposed(path, info), nil
}

func unreadable(path string, err error) *Problem {
	p := &Problem{Seen: fmt.Sprintf("the file %s: %s", path, unwrapPath(err)), Need: "a file that this user can read"}
	if errors.Is(err, os.ErrPermission) {
		p.Fix = fmt.Sprintf("chown rdip %s && chmod 600 %s", path, path)
	}
	return p
}

// exposed notes a file that its group or everybody may read. systemd's credentials are left out: their group
// bits are the mask of an ACL (systemd.exec(5), LoadCredential).
func exposed(path string, info os.FileInfo) *Problem {
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && strings.HasPrefix(path, filepath.Clean(dir)+"/") {
		return nil
	}
	return &Problem{Seen: fmt.Sprintf("the file %s has mode %04o: others can read the secret in it", path, info.Mode().Perm()),
		Need: "mode 0600", Fix: "chmod 600 " + path}
}

func warning(where string, p Problem) fault.Finding {
	return fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: where, Seen: p.Seen, Need: p.Need, Fix: p.Fix}
}
