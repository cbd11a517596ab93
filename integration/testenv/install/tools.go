package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"rdip/integration/testenv/component"
)

// apt installs a Debian package when that is possible without asking, and otherwise says what to type.
func apt(packages ...string) func(context.Context) error {
	pkg := strings.Join(packages, " ")
	return func(ctx context.Context) error {
		if _, err := exec.LookPath("apt-get"); err != nil {
			return fmt.Errorf("this is not Debian: install %s with the system's package manager", pkg)
		}
		if os.Geteuid() != 0 {
			return fmt.Errorf("only root can install it; fix: sudo apt-get install -y %s", pkg)
		}
		if err := command(ctx, "apt-get", "update", "-qq"); err != nil {
			return err
		}
		return command(ctx, "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)...)
	}
}

// installPython makes the Avro consumer's environment. The file "complete" is written last.
func installPython(ctx context.Context) error {
	home := filepath.Join(component.CacheDir(), "python", component.ConsumerVersion)
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	if err := command(ctx, "python3", "-m", "venv", home); err != nil {
		return fmt.Errorf("%w; fix: sudo apt-get install -y python3-venv", err)
	}
	args := append([]string{"-m", "pip", "install", "--quiet", "--no-input"}, component.Requirements...)
	if err := command(ctx, filepath.Join(home, "bin", "python"), args...); err != nil {
		return err
	}
	content := strings.Join(component.Requirements, "\n") + "\n"
	return os.WriteFile(filepath.Join(home, "complete"), []byte(content), 0o644)
}

// installLinter builds golangci-lint, which takes minutes on two cores, and keeps it under a name
// with its version.
func installLinter(ctx context.Context) error {
	bin := filepath.Join(component.CacheDir(), "bin")
	partial := filepath.Join(bin, "partial")
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	cmd := prepared(ctx, "go", "install",
		"github.com/golangci/golangci-lint/v2/cmd/golangci-lint@"+component.LinterVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+partial)
	if err := cmd.Run(); err != nil {
		return err
	}
	return os.Rename(filepath.Join(partial, "golangci-lint"),
		filepath.Join(bin, "golangci-lint-"+component.LinterVersion))
}

// command runs a program whose output goes to ours.
func command(ctx context.Context, name string, args ...string) error {
	if err := prepared(ctx, name, args...).Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args...), " "), err)
	}
	return nil
}

func prepared(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd
}
