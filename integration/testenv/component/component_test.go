package component

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheCacheIsWhereTheEnvironmentSays(t *testing.T) {
	t.Setenv("RDIP_CACHE", "/somewhere/else")
	if got := CacheDir(); got != "/somewhere/else" {
		t.Errorf("got %s", got)
	}
	t.Setenv("RDIP_CACHE", "")
	got := CacheDir()
	if os.Geteuid() == 0 && got != "/var/cache/rdip" {
		t.Errorf("root's cache is %s, where PostgreSQL's user may not be able to go", got)
	}
	if filepath.Base(got) != "rdip" {
		t.Errorf("got %s", got)
	}
}

func TestAServerIsKnownByWhatItSays(t *testing.T) {
	bin := t.TempDir()
	write := func(name, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := serverMajor(bin); got != 0 {
		t.Errorf("an empty folder is PostgreSQL %d", got)
	}
	write("postgres", "echo 'postgres (PostgreSQL) 16.15 (Debian 16.15-1)'")
	if got := serverMajor(bin); got != 0 {
		t.Errorf("without initdb it is PostgreSQL %d", got)
	}
	write("initdb", "")
	if got := serverMajor(bin); got != 16 {
		t.Errorf("it is PostgreSQL %d, want 16", got)
	}
	t.Setenv("RDIP_CACHE", t.TempDir())
	t.Setenv("PATH", bin)
	if got, err := Postgres(16).Path(); err != nil || got != bin {
		t.Errorf("PostgreSQL 16 of PATH is found in %q (%v)", got, err)
	}
	write("postgres", "exit 1")
	if got := serverMajor(bin); got != 0 {
		t.Errorf("a broken server is PostgreSQL %d", got)
	}
}
