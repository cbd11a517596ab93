package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"rdip/integration/testenv/certs"
	"rdip/integration/testenv/process"
)

// StandbyName is the application_name and the physical slot of a standby, for settings such as
// synchronized_standby_slots.
const StandbyName = "standby"

// Standby makes a hot standby of the running server (15 or later, without TLS) and starts it: a copy of the data folder
// between pg_backup_start and pg_backup_stop, streaming from a physical slot. Settings win over the server's own. It
// returns when the standby answers, which is when it is consistent. The caller closes both.
func (s *Server) Standby(ctx context.Context, settings map[string]string) (*Server, error) {
	if s.options.TLS || s.major < 15 {
		return nil, errors.New("a standby is made of a server of 15 or later without TLS")
	}
	b := &Server{options: s.options, major: s.major, bin: s.bin, owner: s.owner,
		settings: map[string]string{}, passwords: map[string]string{}, pairs: map[string]certs.Pair{}}
	maps.Copy(b.settings, s.settings)
	b.settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%d user=%s dbname=%s application_name=%s", s.dir, s.port, Superuser, Superuser, StandbyName)
	b.settings["primary_slot_name"] = StandbyName
	b.settings["hot_standby_feedback"] = "on"
	b.settings["wal_receiver_status_interval"] = "1s"
	maps.Copy(b.settings, settings)
	var err error
	if b.dir, err = process.TempDir("pg"); err != nil {
		return nil, err
	}
	b.dataDir = filepath.Join(b.dir, "data")
	err = s.backUp(ctx, b)
	if err == nil {
		err = b.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// backUp copies the running server's cluster into b's data folder.
func (s *Server) backUp(ctx context.Context, b *Server) error {
	if err := give(b.dir, b.owner); err != nil {
		return err
	}
	var err error
	if b.port, err = process.FreePort(); err != nil {
		return err
	}
	conn, err := s.Connect(ctx, Superuser)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", StandbyName); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start('standby', true)"); err != nil {
		return err
	}
	if err := copyLive(s.dataDir, b); err != nil {
		return err
	}
	var label string
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop(false)").Scan(&label); err != nil {
		return err
	}
	if err := b.writeFile(filepath.Join(b.dataDir, "backup_label"), label); err != nil {
		return err
	}
	if err := b.writeFile(filepath.Join(b.dataDir, "standby.signal"), ""); err != nil {
		return err
	}
	return b.writeHBA()
}

// copyLive copies a cluster that is in use: files may come and go, which the log then tells. What belongs to the
// running server alone is left out, as pg_basebackup does.
func copyLive(from string, b *Server) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		inside := path[len(from):]
		switch {
		case inside == "/postmaster.pid", inside == "/postmaster.opts", filepath.Dir(inside) == "/pg_replslot", filepath.Dir(filepath.Dir(inside)) == "/pg_replslot":
			return nil
		case d.IsDir():
			err = os.Mkdir(b.dataDir+inside, 0o700)
		default:
			err = copyFile(path, b.dataDir+inside, 0o600)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return give(b.dataDir+inside, b.owner)
	})
}
