package pgserver

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rdip/integration/testenv/certs"
)

// Configure changes settings that take effect at the next start. An empty value removes the override.
func (s *Server) Configure(settings map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, value := range settings {
		s.settings[name] = value
	}
}

// writeSettings replaces postgresql.conf: initdb's own is nothing but comments and defaults.
func (s *Server) writeSettings() error {
	all := defaultSettings(s.options.Fsync)
	all["port"] = strconv.Itoa(s.port)
	all["unix_socket_directories"] = s.dir
	if s.options.TLS {
		all["ssl"] = "on"
		all["ssl_ca_file"] = s.authority.CAFile
		all["ssl_cert_file"] = s.pairs[serverPair].CertFile
		all["ssl_key_file"] = s.pairs[serverPair].KeyFile
	}
	maps.Copy(all, s.options.Settings)
	s.mu.Lock()
	maps.Copy(all, s.settings)
	s.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if value := all[name]; value != "" {
			fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
		}
	}
	return s.writeFile(filepath.Join(s.dataDir, "postgresql.conf"), b.String())
}

// writeHBA lets everybody in over the Unix socket, and over TCP as the options say.
func (s *Server) writeHBA() error {
	kind, method := "host", "trust"
	if s.options.Password {
		method = "scram-sha-256"
	}
	if s.options.TLS {
		kind = "hostssl"
	}
	lines := slices.Clone(s.options.HBA)
	for _, user := range s.options.CertUsers {
		lines = append(lines,
			fmt.Sprintf("hostssl all %q 127.0.0.1/32 cert", user),
			fmt.Sprintf("hostssl replication %q 127.0.0.1/32 cert", user))
	}
	lines = append(lines,
		"local all all trust",
		"local replication all trust",
		kind+" all all 127.0.0.1/32 "+method,
		kind+" replication all 127.0.0.1/32 "+method)
	return s.writeFile(filepath.Join(s.dataDir, "pg_hba.conf"), strings.Join(lines, "\n")+"\n")
}

func (s *Server) writeFile(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return give(path, s.owner)
}

// serverPair is the name of the server's own certificate among the pairs.
const serverPair = "server"

// makeCertificates makes the authority, the server's certificate and one for each of CertUsers.
func (s *Server) makeCertificates() error {
	if !s.options.TLS {
		return nil
	}
	dir := filepath.Join(s.dir, "tls")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	var err error
	if s.authority, err = certs.NewAuthority(dir); err != nil {
		return err
	}
	pair, err := s.authority.Issue(serverPair, "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	s.pairs[serverPair] = pair
	if err := give(pair.KeyFile, s.owner); err != nil { // PostgreSQL wants to own its key
		return err
	}
	for _, user := range s.options.CertUsers {
		if s.pairs[user], err = s.authority.Issue(user); err != nil {
			return err
		}
	}
	return nil
}
