package pgserver

import (
	"context"
	"os"
	"path/filepath"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

// localesDir is where glibc looks for the locales that are made for the server, beside C.
func (s *Server) localesDir() string { return filepath.Join(s.dir, "locales") }

func (s *Server) makeLocales(ctx context.Context) error {
	if len(s.options.Locales) == 0 {
		return nil
	}
	localedef, err := component.Localedef().Path()
	if err != nil {
		return err
	}
	if err := os.Mkdir(s.localesDir(), 0o755); err != nil {
		return err
	}
	for _, name := range s.options.Locales {
		to := filepath.Join(s.localesDir(), name+".UTF-8")
		if err := process.Run(ctx, process.Command{Path: localedef, Args: []string{"-i", name, "-f", "UTF-8", to}, Log: s.LogFile()}); err != nil {
			return err
		}
	}
	return nil
}
